import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Operation } from "../../gen/google/longrunning/operations_pb.ts";
import { connect } from "../helpers/e2e-actions.ts";
import { type Bazel, type BazelRun, openBazel } from "../helpers/e2e-bazel.ts";
import { requireEngine } from "../helpers/e2e-engines.ts";
import { listAll } from "../helpers/e2e-operations.ts";
import { eventually, livingProcesses } from "../helpers/e2e-processes.ts";
import { type OpgridProcess, startOpgrid } from "../helpers/e2e-server.ts";

/** A filter that selects every operation: one that only sorts replaces the default filter. */
const everything = "sort_order=name";
const parts = 30;
const whole = Array.from({ length: parts }, (_, index) => `part ${index}\n`).join("");

test("a build survives kill -9 of the server, and no operation is lost", { timeout: 240_000 }, async (t) => {
  if (!requireEngine(t, "bazel")) return;
  const server = await startOpgrid(t, { flags: ["--bots", "4"] });
  const bazel = openBazel(t, server.port);
  // Bazel gives a server about three seconds to come back; a build farm's .bazelrc gives it more.
  const build = bazel.start("build", "//many:whole", "--remote_retries=20");
  const before = await inTheMiddle(server);
  await server.kill();
  await sleep(3_000); // The outage.
  await server.restart();
  await assertBuilt(bazel, build);

  using clients = connect(server.url);
  const after = new Map((await listAll(clients, everything)).map((operation) => [operation.name, operation]));
  for (const { name, done } of before) {
    const operation = after.get(name);
    assert(operation, `${name} was acknowledged and is missing`);
    if (done) assert.equal(operation.done, true, `${name} was done and is not any more`);
  }
  assert.deepEqual(
    [...after.values()].filter(({ done }) => !done),
    [],
  );
  assert(after.size > parts);
});

test("a build survives kill -9 of a bot", { timeout: 240_000 }, async (t) => {
  if (!requireEngine(t, "bazel")) return;
  const server = await startOpgrid(t, { flags: ["--bots", "4"] });
  const bazel = openBazel(t, server.port);
  const build = bazel.start("build", "//many:whole");
  const before = await inTheMiddle(server);
  const bots = server.botPids();
  assert.equal(bots.length, 4);
  const victim = await eventually("a bot runs an action", 20_000, () =>
    bots.find((pid) => livingProcesses().some(({ parent }) => parent === pid)),
  );
  process.kill(victim, "SIGKILL");
  await assertBuilt(bazel, build);

  using clients = connect(server.url);
  const after = await listAll(clients, everything);
  const names = new Set(after.map(({ name }) => name));
  assert.deepEqual(
    before.filter(({ name }) => !names.has(name)),
    [],
  );
  assert.deepEqual(
    after.filter(({ done }) => !done),
    [],
  );
  await eventually("another bot takes its place", 20_000, () => {
    const now = server.botPids();
    return now.length === 4 && !now.includes(victim);
  });
});

/** Waits until some actions are done and others are not, and returns all operations as they are then. */
async function inTheMiddle(server: OpgridProcess): Promise<Operation[]> {
  using clients = connect(server.url);
  return eventually("the build is in the middle", 60_000, async () => {
    const operations = await listAll(clients, everything);
    const done = operations.filter((operation) => operation.done).length;
    return done >= 6 && operations.length > done && operations;
  });
}

async function assertBuilt(bazel: Bazel, build: BazelRun): Promise<void> {
  const result = await build.result;
  assert.equal(result.code, 0, result.output);
  assert.equal(readFileSync(join(bazel.workspace, "bazel-bin/many/whole.txt"), "utf8"), whole);
}
