import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { ActionResultSchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import {
  ListOperationsRequestSchema,
  type ListOperationsResponse,
  ListOperationsResponseSchema,
} from "../../gen/google/longrunning/operations_pb.ts";
import { deserializer, grpcJsClient, serializer } from "../server/clients.ts";
import { openBot } from "./bot.ts";
import { type Grid, startGrid } from "./grid.ts";

/** What clients of gRPC's own libraries take, unless they are told otherwise. */
const MOST_MESSAGE_BYTES = 4 * 1024 * 1024;

const LARGE = 900 * 1024;

/** Executes one action after the other, with answers of so many bytes; the names of the operations. */
async function executeLarge(grid: Grid, instanceName: string, count: number): Promise<string[]> {
  const bot = await openBot(grid.bots, { parent: instanceName });
  const result = anyPack(ActionResultSchema, create(ActionResultSchema, { stdoutRaw: new Uint8Array(LARGE) }));
  const names: string[] = [];
  for (let i = 0; i < count; i++) {
    const { name, ended } = await grid.execute({ instanceName, actionDigest: await grid.action({ instanceName }) });
    await bot.complete((await bot.lease()).id, { status: { code: 0 }, result });
    await ended;
    names.push(name);
  }
  return names;
}

test("a list of large operations comes in pages that a client of gRPC's own takes", async (t) => {
  const grid = await startGrid(t, { instances: "main,other" });
  const client = grpcJsClient(t, Number(new URL(grid.url).port));
  const list = (request: MessageInitShape<typeof ListOperationsRequestSchema>) =>
    new Promise<ListOperationsResponse>((resolve, reject) => {
      client.makeUnaryRequest(
        "/google.longrunning.Operations/ListOperations",
        serializer(ListOperationsRequestSchema),
        deserializer(ListOperationsResponseSchema),
        create(ListOperationsRequestSchema, { filter: "stage=COMPLETED", ...request }),
        (error, response) => (response ? resolve(response) : reject(error)),
      );
    });
  const inMain = await executeLarge(grid, "main", 5);
  const inOther = await executeLarge(grid, "other", 2);
  assert.ok(inMain.length * LARGE > MOST_MESSAGE_BYTES);

  for (const [name, expected, pages] of [
    ["main", inMain, [3, 2]],
    ["-", [...inMain, ...inOther], [3, 3, 1]],
  ] as const) {
    const seen: string[][] = [];
    let pageToken = "";
    do {
      const page = await list({ name, pageToken });
      seen.push(page.operations.map((operation) => operation.name));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    assert.deepEqual(seen.flat(), expected);
    assert.deepEqual(
      seen.map(({ length }) => length),
      pages,
    );
  }
});
