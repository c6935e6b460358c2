import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Clients, connect, submit } from "../helpers/e2e-actions.ts";
import { callPage, openPage } from "../helpers/e2e-browser.ts";
import { curl } from "../helpers/e2e-curl.ts";
import { requireEngine } from "../helpers/e2e-engines.ts";
import { openGax, request } from "../helpers/e2e-gax.ts";
import { startGrpcio } from "../helpers/e2e-grpcio.ts";
import { startOpgrid } from "../helpers/e2e-server.ts";
import { type SeededOperation, seedOperations } from "../helpers/seed-operations.ts";
import type { Walk } from "./browser-page.ts";

const count = 100_000;
const mainFile = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

// Two fifths have no completion time, and both times have many ties.
const filter = "sort_order = completed_time(desc) & sort_order = queued_time";

test("foreign clients and the command line page through 100,000 operations", { timeout: 300_000 }, async (t) => {
  let seeded: readonly SeededOperation[] = [];
  const prepare = async (dataDir: string) => {
    seeded = await seedOperations(dataDir, "main", count);
  };
  const server = await startOpgrid(t, { flags: ["--bots", "0"], prepare });
  const expected = walkOf(seeded.toSorted(inOrder).map(({ name }) => name));

  await t.test("google-gax pages by itself and gets all in order", async (t) => {
    const names: string[] = [];
    for await (const name of walkWithGax(t, server.port, filter)) names.push(name);
    assert.deepEqual(walkOf(names), expected);
  });

  await t.test("grpcio gets the same", async (t) => {
    if (!requireEngine(t, "python grpc")) return;
    const ask = startGrpcio(t, `127.0.0.1:${server.port}`);
    assert.deepEqual(await ask<Walk>({ method: "walk", filter, size: 1000 }), expected);
  });

  await t.test("curl gets the same as JSON over HTTP/1.1", async (t) => {
    if (!requireEngine(t, "curl")) return;
    assert.deepEqual(walkOf(await walkWithCurl(server.url)), expected);
  });

  await t.test("connect-web in Chromium gets the same on smaller pages by gRPC-Web", async (t) => {
    if (!requireEngine(t, "chromium")) return;
    const page = await openPage(t);
    assert.deepEqual(await callPage<Walk>(page, server.url, "gRPC-Web", "walk", filter, 300), expected);
  });

  await t.test("the command line gets the same with --all", async (t) => {
    assert.deepEqual(walkOf(await walkWithCli(t, server.url)), expected);
  });

  await t.test("google-gax gets what stays exactly once while others are cancelled, deleted and added", async (t) => {
    using clients = connect(server.url);
    // recc's, then what is added, then nobody's.
    const some =
      "NOT tool_name = bazel & NOT tool_name = goma & sort_order = tool_name(desc) & sort_order = queued_time";
    const listed = seeded.filter(({ toolName }) => toolName === "recc" || toolName === null);
    const times = new Map<string, number>();
    let walking = true;
    const walk = async () => {
      for await (const name of walkWithGax(t, server.port, some)) times.set(name, (times.get(name) ?? 0) + 1);
      walking = false;
    };
    const [{ added, deleted }] = await Promise.all([disturb(clients, listed, () => walking), walk()]);

    const repeated = [...times].filter(([, number]) => number > 1);
    assert.deepEqual(repeated, []);
    const gone = new Set(deleted);
    const missed = listed.filter(({ name }) => !times.has(name) && !gone.has(name));
    assert.deepEqual(missed, []);
    const known = new Set([...listed.map(({ name }) => name), ...added]);
    assert.deepEqual(new Set(times.keys()).difference(known), new Set());
    for (const names of [added, deleted]) {
      const seen = names.filter((name) => times.has(name)).length;
      assert(seen > 0 && seen < names.length, `${seen} of ${names.length} were listed`);
    }
  });
});

/**
 * Deletes one in three of the operations and cancels the others as far as they live. After each it adds another of the
 * tool `opgrid-e2e`, and cancels the one that it added before.
 */
async function disturb(clients: Clients, operations: readonly SeededOperation[], goOn: () => boolean) {
  const added: string[] = [];
  const deleted: string[] = [];
  for (const [index, { name }] of operations.entries()) {
    if (!goOn()) break;
    if (index % 3 === 0) {
      await clients.operations.deleteOperation({ name });
      deleted.push(name);
    } else await clients.operations.cancelOperation({ name });
    const last = added.at(-1);
    if (last) await clients.operations.cancelOperation({ name: last });
    added.push((await submit(clients, "true")).name);
  }
  return { added, deleted };
}

function inOrder(a: SeededOperation, b: SeededOperation): number {
  const completed = (b.completedAt ?? 0) - (a.completedAt ?? 0);
  return completed || a.queuedAt - b.queuedAt || (a.name < b.name ? -1 : 1);
}

function walkOf(names: readonly string[]): Walk {
  return { count: names.length, sha256: createHash("sha256").update(names.join("\n")).digest("hex") };
}

async function* walkWithGax(t: TestContext, port: number, filter: string): AsyncGenerator<string> {
  const options = { autoPaginate: false }; // What it does anyway, but then not without a warning.
  for await (const { name } of openGax(t, port).listOperationsAsync(request({ name: "main", filter }), options)) {
    yield name ?? "";
  }
}

async function walkWithCurl(url: string): Promise<string[]> {
  const names: string[] = [];
  for (let pageToken: unknown = ""; pageToken !== undefined; ) {
    const message = JSON.stringify({ name: "main", filter, pageToken });
    const options = ["-H", "content-type: application/json", "-d", message];
    const { status, body } = await curl("1.1", [...options, `${url}/google.longrunning.Operations/ListOperations`]);
    assert.equal(status, 200, JSON.stringify(body));
    for (const { name } of body.operations as { name: string }[]) names.push(name);
    pageToken = body.nextPageToken;
  }
  return names;
}

async function walkWithCli(t: TestContext, url: string): Promise<string[]> {
  const list = ["operation", "list", "--all", "--remote", url, "--instance-name", "main", "--filter", filter];
  const child = spawn(process.execPath, [mainFile, ...list], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const ended = once(child, "exit");
  const names: string[] = [];
  for await (const line of createInterface(child.stdout)) names.push(line.slice(0, line.indexOf("\t")));
  assert.deepEqual(await ended, [0, null]);
  return names;
}
