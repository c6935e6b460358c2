import { encodeBinaryHeader, type HandlerContext } from "@connectrpc/connect";
import type { Operation } from "../../gen/google/longrunning/operations_pb.ts";
import {
  clientIdentityBytes,
  type OperationRecord,
  requestMetadataBytes,
  toLroOperation,
} from "../operations/operations.ts";
import { CLIENT_IDENTITY_TRAILER, REQUEST_METADATA_HEADER } from "./caller.ts";
import { keepEncoding } from "./encodings.ts";

interface Answer {
  readonly operation: Operation;
  readonly trailers: readonly (readonly [name: string, value: string])[];
}

/** Common clients take 8 KiB of trailers, and no answer at all with more: what does not fit is left out. */
const MOST_TRAILER_CHARACTERS = 6 * 1024;

/** The store gives out the same record as long as nothing has changed, so that its answer is made once. */
const answers = new WeakMap<OperationRecord, Answer>();

/** An operation under the name that was asked for. Who asked for its execution goes into the trailers. */
export function answerOperation(record: OperationRecord, name: string, context: HandlerContext): Operation {
  const { operation, trailers } = answerOf(record, name);
  for (const [trailer, value] of trailers) context.responseTrailer.set(trailer, value);
  return operation;
}

function answerOf(record: OperationRecord, name: string): Answer {
  const known = answers.get(record);
  if (known?.operation.name === name) return known;
  const answer = { operation: keepEncoding(toLroOperation(record, name)), trailers: trailersOf(record) };
  answers.set(record, answer);
  return answer;
}

function trailersOf(record: OperationRecord): [name: string, value: string][] {
  const trailers: [string, string][] = [];
  let room = MOST_TRAILER_CHARACTERS;
  for (const [name, bytes] of [
    [REQUEST_METADATA_HEADER, requestMetadataBytes(record)],
    [CLIENT_IDENTITY_TRAILER, clientIdentityBytes(record)],
  ] as const) {
    const value = bytes && encodeBinaryHeader(bytes);
    if (value === undefined || value.length > room) continue;
    trailers.push([name, value]);
    room -= value.length;
  }
  return trailers;
}
