import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { requireEngine } from "../helpers/e2e-engines.ts";
import type { Peer } from "../helpers/e2e-peer.ts";
import { exercisePeer } from "../helpers/e2e-peer-suite.ts";
import { startOpgrid } from "../helpers/e2e-server.ts";

const script = fileURLToPath(new URL("grpcio-peer.py", import.meta.url));

test("Python's grpcio lists, gets, waits for and cancels operations", { timeout: 120_000 }, async (t) => {
  if (!requireEngine(t, "python grpc")) return;
  const server = await startOpgrid(t);
  const ask = startPeer(t, `127.0.0.1:${server.port}`);
  await exercisePeer(t, server.url, {
    list: (filter) => ask({ method: "list", filter }),
    get: (name) => ask({ method: "get", name }),
    wait: (name, timeoutMs) =>
      ask({ method: "wait", name, ...(timeoutMs !== undefined && { timeout: `${timeoutMs / 1000}s` }) }),
    cancel: (name) => ask({ method: "cancel", name }),
    tool: (name) => ask({ method: "tool", name }),
  } satisfies Peer);
});

/** Starts the script; questions are answered in turn. */
function startPeer(t: TestContext, address: string): <T>(question: object) => Promise<T> {
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
