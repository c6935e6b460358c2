import { create, toBinary } from "@bufbuild/protobuf";
import { EmptySchema } from "@bufbuild/protobuf/wkt";
import {
  CancelOperationRequestSchema,
  GetOperationRequestSchema,
  OperationSchema,
  Operations,
} from "../../gen/google/longrunning/operations_pb.ts";
import { Code } from "../../src/base/errors.ts";
import { echoPaths } from "../echo.ts";
import { frame } from "../frames.ts";
import { pathOf, readOne } from "../methods.ts";
import { type Bench, echoesOf, type Group } from "./group.ts";

const IN_FLIGHT = 64;
/** Operations that opgrid may cancel in its part of a round: none can be cancelled twice. */
const A_TURN = 4_000;
const path = pathOf(Operations.method.cancelOperation);

/** How many queued operations the bench must have for it: for the rounds, for the warm-up, and for the test of one. */
export function cancellableFor(rounds: number): number {
  return (rounds + 1) * A_TURN + 1;
}

/** CancelOperation, each of a queued operation of its own. */
export const cancel: Group = async ({ servers, cancellable }) => {
  const { client } = servers.opgrid;
  const next = eachOnce(cancellable.map(requestFor));
  const [probe = ""] = cancellable;
  const request = next();
  const replies = await client.messages(path, request);
  readOne(EmptySchema, replies);
  await checkCancelled(servers, probe);
  return [
    {
      title: "CancelOperation",
      inFlight: IN_FLIGHT,
      figure: "operations/s",
      atMost: { opgrid: A_TURN },
      operations: {
        opgrid: () => client.call(path, next()),
        ...echoesOf(servers, echoPaths.unary, { request, replies }),
      },
    },
  ];
};

function requestFor(name: string): Buffer {
  return frame(toBinary(CancelOperationRequestSchema, create(CancelOperationRequestSchema, { name })));
}

function eachOnce<T>(values: readonly T[]): () => T {
  let next = 0;
  return () => {
    const value = values[next++];
    if (value === undefined) throw new Error(`all ${values.length} operations are cancelled`);
    return value;
  };
}

async function checkCancelled({ opgrid }: Bench["servers"], name: string): Promise<void> {
  const request = toBinary(GetOperationRequestSchema, create(GetOperationRequestSchema, { name }));
  const replies = await opgrid.client.messages(pathOf(Operations.method.getOperation), frame(request));
  const { result } = readOne(OperationSchema, replies);
  if (result.case === "error" && result.value.code === Code.Canceled) return;
  throw new Error(`${name} was cancelled, and its result is ${result.case}`);
}
