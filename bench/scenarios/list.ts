import { create, toBinary } from "@bufbuild/protobuf";
import {
  ListOperationsRequestSchema,
  ListOperationsResponseSchema,
  Operations,
} from "../../gen/google/longrunning/operations_pb.ts";
import { echoPaths } from "../echo.ts";
import { frame } from "../frames.ts";
import { pathOf, readOne } from "../methods.ts";
import { echoesOf, type Group, instances } from "./group.ts";

const IN_FLIGHT = 64;
const PAGE_SIZE = 100;
const path = pathOf(Operations.method.listOperations);

/** ListOperations: the first page of what has not ended, which is the default filter. */
export const list: Group = async ({ servers }) => {
  const { client } = servers.opgrid;
  const request = create(ListOperationsRequestSchema, { name: instances.seeded, pageSize: PAGE_SIZE });
  const framed = frame(toBinary(ListOperationsRequestSchema, request));
  const replies = await client.messages(path, framed);
  checkPage(replies);
  return [
    {
      title: "ListOperations, 100 of 10,000",
      inFlight: IN_FLIGHT,
      figure: "operations/s",
      operations: {
        opgrid: () => client.call(path, framed),
        ...echoesOf(servers, echoPaths.unary, { request: framed, replies }),
      },
    },
  ];
};

function checkPage(replies: readonly Uint8Array[]): void {
  const { operations, nextPageToken } = readOne(ListOperationsResponseSchema, replies);
  if (operations.length === PAGE_SIZE && nextPageToken !== "") return;
  throw new Error(`a page of ${PAGE_SIZE} was asked for, ${operations.length} operations came`);
}
