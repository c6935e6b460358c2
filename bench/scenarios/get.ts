import { create, toBinary } from "@bufbuild/protobuf";
import { GetOperationRequestSchema, Operations } from "../../gen/google/longrunning/operations_pb.ts";
import { echoPaths } from "../echo.ts";
import { frame } from "../frames.ts";
import type { Scenario } from "../measure.ts";
import { pathOf } from "../methods.ts";
import { type Bench, echoesOf, endless, type Group } from "./group.ts";

const IN_FLIGHT = 64;
/** As many as there are completed ones. */
const POLLED = 1_000;
const path = pathOf(Operations.method.getOperation);

/** GetOperation of operations that are queued and of ones that have ended, and how long one such call takes alone. */
export const get: Group = async (bench) => {
  const polled = bench.seeded.queued.slice(0, POLLED);
  const queued = await operationsOn(bench, polled);
  // The first poll of an operation is recorded: that write is no part of the steady state.
  await Promise.all(polled.map(() => queued.opgrid()));
  const completed = await operationsOn(bench, bench.seeded.completed);
  return [
    { title: "GetOperation, queued", inFlight: IN_FLIGHT, figure: "operations/s", operations: queued },
    { title: "GetOperation, completed", inFlight: IN_FLIGHT, figure: "operations/s", operations: completed },
    { title: "GetOperation, 1 in flight", inFlight: 1, figure: "latency", operations: queued },
  ];
};

async function operationsOn({ servers }: Bench, names: readonly string[]): Promise<Scenario["operations"]> {
  const { client } = servers.opgrid;
  const next = endless(names.map(requestFor));
  const request = next();
  return {
    opgrid: () => client.call(path, next()),
    ...echoesOf(servers, echoPaths.unary, { request, replies: await client.messages(path, request) }),
  };
}

function requestFor(name: string): Buffer {
  return frame(toBinary(GetOperationRequestSchema, create(GetOperationRequestSchema, { name })));
}
