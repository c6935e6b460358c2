import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { decodeBinaryHeader } from "@connectrpc/connect";
import {
  ExecuteOperationMetadataSchema,
  ExecuteResponseSchema,
  ExecutionStage_Value,
  RequestMetadataSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import type { Operation } from "../../gen/google/longrunning/operations_pb.ts";
import { type Clients, connect, requestMetadataHeader } from "../helpers/e2e-actions.ts";
import { openBazel } from "../helpers/e2e-bazel.ts";
import { requireEngine } from "../helpers/e2e-engines.ts";
import { executionOf, listAll, metadataOf } from "../helpers/e2e-operations.ts";
import { eventually, sleepers, uniqueSeconds } from "../helpers/e2e-processes.ts";
import { startOpgrid } from "../helpers/e2e-server.ts";

test("Bazel builds, tests and fails through the server", { timeout: 300_000 }, async (t) => {
  if (!requireEngine(t, "bazel")) return;
  const server = await startOpgrid(t);
  const bazel = openBazel(t, server.port);
  using clients = connect(server.url);
  const output = (path: string) => join(bazel.workspace, "bazel-bin", path);
  let actions = 0;

  await t.test("builds genrules and C++ with remote actions only", async () => {
    const built = await bazel.run("build", "//...");
    assert.equal(built.code, 0, built.output);
    actions = built.processes("remote");
    assert(actions >= 6, built.output);
    assert.equal(built.processes("local") + built.processes("linux-sandbox"), 0, built.output);
    assert.equal(execFileSync(output("hello"), ["Bazel"], { encoding: "utf8" }), "Hello, Bazel!\n");
    assert.equal(readFileSync(output("greeted.txt"), "utf8"), "Hello, genrule!\n");
    assert.equal(readFileSync(output("sorted.txt"), "utf8"), "opgrid\nbazel\n");
  });

  await t.test("shows each action as an operation of the instance", async () => {
    const operations = await listAll(clients, "stage=COMPLETED");
    assert.equal(operations.length, actions);
    for (const operation of operations) assertSucceeded(operation);
    assert.equal(new Set(operations.map(({ name }) => name)).size, actions);
    const [one] = operations;
    assert(one);
    const { toolDetails, actionMnemonic, targetId } = await requestMetadata(clients, one.name);
    assert.deepEqual({ ...toolDetails, $typeName: "" }, { $typeName: "", ...installedBazel() });
    assert.match(actionMnemonic, /^(Genrule|CppCompile|CppLink|CppArchive)$/);
    assert.match(targetId, /^\/\/|^@/);
  });

  await t.test("runs tests remotely", async () => {
    const tested = await bazel.run("test", "//...");
    assert.equal(tested.code, 0, tested.output);
    assert.match(tested.output, /Executed 2 out of 2 tests: 2 tests pass/);
    assert.equal(tested.processes("local") + tested.processes("linux-sandbox"), 0, tested.output);
  });

  await t.test("shows the user the stderr and the exit code of a failing action", async () => {
    const broken = await bazel.run("build", "//:broken");
    assert.equal(broken.code, 1, broken.output);
    assert.match(broken.output, /^the stderr of the broken action$/m);
    assert.match(broken.output, /\(Exit 7\)/);
    const codes = (await listAll(clients, "stage=COMPLETED")).map((each) => executionOf(each).result?.exitCode);
    assert.equal(codes.filter((code) => code === 7).length, 1);
  });

  await t.test("serves a clean build from the cache", async () => {
    assert.equal((await bazel.run("clean")).code, 0);
    const again = await bazel.run("build", "//...");
    assert.equal(again.code, 0, again.output);
    assert.deepEqual([again.processes("remote cache hit"), again.processes("remote")], [actions, 0], again.output);
    assert.equal(execFileSync(output("hello"), { encoding: "utf8" }), "Hello, world!\n");
  });

  await t.test("serves another user's build from the cache", async (inner) => {
    const other = openBazel(inner, server.port);
    const built = await other.run("build", "//...");
    assert.equal(built.code, 0, built.output);
    assert.deepEqual([built.processes("remote cache hit"), built.processes("remote")], [actions, 0], built.output);
  });

  await t.test("runs everything again when the user does not accept cached results", async () => {
    assert.equal((await bazel.run("clean")).code, 0);
    const again = await bazel.run("build", "//...", "--noremote_accept_cached");
    assert.equal(again.code, 0, again.output);
    assert.deepEqual([again.processes("remote"), again.processes("remote cache hit")], [actions, 0], again.output);
  });
});

test("nothing runs on after Ctrl-C in the middle of a long action", { timeout: 180_000 }, async (t) => {
  if (!requireEngine(t, "bazel")) return;
  const server = await startOpgrid(t);
  const bazel = openBazel(t, server.port);
  using clients = connect(server.url);
  const seconds = uniqueSeconds();

  const build = bazel.start("build", "//:slow", `--define=seconds=${seconds}`);
  await eventually("the action runs", 60_000, () => sleepers(seconds).length > 0);
  const [operation] = await eventually("its operation executes", 10_000, () => executing(clients));
  assert(operation);

  build.interrupt();
  const { code, output } = await build.result;
  assert.equal(code, 8, output);
  await eventually("no process of the action is left", 60_000, () => sleepers(seconds).length === 0);
  const { result } = await eventually("the operation is done", 10_000, async () => {
    const latest = await clients.operations.getOperation({ name: operation.name });
    return latest.done && latest;
  });
  assert.deepEqual([result.case, result.case === "error" && result.value.code], ["error", 1]);
});

async function executing(clients: Clients): Promise<Operation[] | undefined> {
  const running = await listAll(clients, "stage=EXECUTING");
  return running.length > 0 ? running : undefined;
}

function assertSucceeded(operation: Operation): void {
  assert.match(operation.name, /^main\/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(operation.done, true);
  assert.equal(operation.metadata?.typeUrl, `type.googleapis.com/${ExecuteOperationMetadataSchema.typeName}`);
  assert.equal(metadataOf(operation).stage, ExecutionStage_Value.COMPLETED);
  assert.match(metadataOf(operation).actionDigest?.hash ?? "", /^[0-9a-f]{64}$/);
  assert(operation.result.case === "response");
  assert.equal(operation.result.value.typeUrl, `type.googleapis.com/${ExecuteResponseSchema.typeName}`);
  const { result, cachedResult } = executionOf(operation);
  assert.deepEqual([result?.exitCode, cachedResult], [0, false]);
  const { worker, queuedTimestamp, workerStartTimestamp, workerCompletedTimestamp } = result?.executionMetadata ?? {};
  assert.notEqual(worker, "");
  assert(queuedTimestamp && workerStartTimestamp && workerCompletedTimestamp);
}

async function requestMetadata(clients: Clients, name: string) {
  let trailers = new Headers();
  const onTrailer = (received: Headers) => {
    trailers = received;
  };
  await clients.operations.getOperation({ name }, { onTrailer });
  return decodeBinaryHeader(trailers.get(requestMetadataHeader) ?? "", RequestMetadataSchema);
}

/** What the installed Bazel calls itself in its requests. Debian's was built without a version and sends none. */
function installedBazel(): { toolName: string; toolVersion: string } {
  const version = execFileSync("bazel", ["--version"], { encoding: "utf8" })
    .trim()
    .replace(/^bazel /, "");
  return { toolName: "bazel", toolVersion: version === "no_version" ? "" : version };
}
