import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { refusal, startGrid } from "./grid.ts";

const instances = '["", "main", "team/a", {name: shut, services: [cas, execution]}]';

test("a list of - shows all instances in one order, page by page", async (t) => {
  const grid = await startGrid(t, { instances });
  const names: string[] = [];
  for (const [index, instanceName] of ["main", "", "team/a", "main", "shut", "", "team/a"].entries()) {
    const actionDigest = await grid.action({ instanceName, argv: [`job ${index}`] });
    const { name } = await grid.execute({ instanceName, actionDigest });
    if (instanceName !== "shut") names.push(name);
  }

  for (const [filter, expected] of [
    ["", names],
    ["stage=QUEUED & sort_order=command(desc)", names.toReversed()],
    ["command=job", names],
    ["command=5", names.slice(4, 5)],
  ] as const) {
    const seen: string[] = [];
    let pageToken = "";
    do {
      const page = await grid.operations.listOperations({ name: "-", filter, pageSize: 2, pageToken });
      assert.ok(page.operations.length <= 2);
      assert.deepEqual(page.unreachable, []);
      seen.push(...page.operations.map((operation) => operation.name));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    assert.deepEqual(seen, expected, filter);
  }
  const google = await grid.operations.listOperations({ name: "-/operations", returnPartialSuccess: true });
  assert.equal(google.operations.length, names.length);
});

test("a token of all instances is none of one", async (t) => {
  const grid = await startGrid(t);
  for (const instanceName of ["main", "main"]) {
    await grid.execute({ instanceName, actionDigest: await grid.action({ instanceName }) });
  }
  const { nextPageToken: pageToken } = await grid.operations.listOperations({ name: "-", pageSize: 1 });
  assert.notEqual(pageToken, "");
  const error = await refusal(grid.operations.listOperations({ name: "main", pageToken }), Code.InvalidArgument);
  assert.equal(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field, "page_token");
});

test("- is no instance to any other call", async (t) => {
  const grid = await startGrid(t);
  for (const call of [
    () => grid.operations.getOperation({ name: "-/0198c0de-0000-7000-8000-000000000000" }),
    () => grid.capabilities.getCapabilities({ instanceName: "-" }),
  ]) {
    const error = await refusal(call(), Code.InvalidArgument);
    assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, "INSTANCE_UNKNOWN");
  }
  const shut = await startGrid(t, { instances: "[{name: main, services: [cas]}]" });
  const error = await refusal(shut.operations.listOperations({ name: "-" }), Code.Unimplemented);
  assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, "SERVICE_NOT_ENABLED");
});
