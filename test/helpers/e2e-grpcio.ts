import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("../e2e/grpcio-peer.py", import.meta.url));

/**
 * Starts a client of Python's grpcio for the server at `HOST:PORT`; it ends with the test. Questions are what
 * `grpcio-peer.py` takes, and are answered in turn. Refusals reject with an error whose `code` is that of gRPC.
 */
export function startGrpcio(t: TestContext, address: string): <T>(question: object) => Promise<T> {
  const child = spawn("/usr/bin/python3", [script, address], { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  t.after(async () => {
    child.stdin.end();
    assert.deepEqual(await exited, [0, null], "the script did not end well");
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return async (question) => {
    child.stdin.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await lines.next();
    assert(!done, "the script ended without an answer");
    const { result, code, message } = JSON.parse(value);
    if (code !== undefined) throw Object.assign(new Error(message), { code });
    return result;
  };
}
