import { create, toBinary } from "@bufbuild/protobuf";
import {
  GetOperationRequestSchema,
  ListOperationsRequestSchema,
  Operations,
} from "../../gen/google/longrunning/operations_pb.ts";
import type { OperationKey, Store } from "../../src/store/store.ts";
import { frame } from "../frames.ts";
import { pathOf } from "../methods.ts";
import { endless, instances } from "../scenarios/group.ts";
import { type Seeded, seed } from "../seed.ts";
import type { BenchServer } from "../servers.ts";

const GET = pathOf(Operations.method.getOperation);
const LIST = pathOf(Operations.method.listOperations);
const PAGE_SIZE = 100;
const SEEDED = { queued: 1_000, completed: 1_000 };

/** Makes operations to be read; those that wait have been polled before, as the first poll of each is written down. */
export async function seedReads(store: Store): Promise<Seeded> {
  const seeded = await seed(store, instances.seeded, SEEDED);
  await Promise.all(seeded.queued.map((name) => store.markPolled(keyOf(name))));
  return seeded;
}

/** The key of an operation by its name. */
export function keyOf(name: string): OperationKey {
  const end = name.lastIndexOf("/");
  return { instance: name.slice(0, end), id: name.slice(end + 1) };
}

/** Asks for one operation after the other. */
export function getting(names: readonly string[]): (server: BenchServer) => Promise<unknown> {
  const requests = names.map((name) =>
    frame(toBinary(GetOperationRequestSchema, create(GetOperationRequestSchema, { name }))),
  );
  const next = endless(requests);
  return ({ client }) => client.call(GET, next());
}

/** Asks for the first page of what has not ended. */
export function listing(): (server: BenchServer) => Promise<unknown> {
  const request = create(ListOperationsRequestSchema, { name: instances.seeded, pageSize: PAGE_SIZE });
  const framed = frame(toBinary(ListOperationsRequestSchema, request));
  return ({ client }) => client.call(LIST, framed);
}
