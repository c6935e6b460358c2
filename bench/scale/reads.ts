import { create, toBinary } from "@bufbuild/protobuf";
import {
  GetOperationRequestSchema,
  ListOperationsRequestSchema,
  Operations,
} from "../../gen/google/longrunning/operations_pb.ts";
import { frame } from "../frames.ts";
import { pathOf } from "../methods.ts";
import { endless, instances } from "../scenarios/group.ts";
import type { BenchServer } from "../servers.ts";

const GET = pathOf(Operations.method.getOperation);
const LIST = pathOf(Operations.method.listOperations);
const PAGE_SIZE = 100;

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
