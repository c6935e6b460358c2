import { create } from "@bufbuild/protobuf";
import { durationMs, EmptySchema } from "@bufbuild/protobuf/wkt";
import { encodeBinaryHeader, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { ListOperationsResponseSchema, type Operations } from "../../gen/google/longrunning/operations_pb.ts";
import { invalidArgument, invalidField } from "../base/errors.ts";
import {
  clientIdentityBytes,
  formatOperationName,
  type OperationRecord,
  requestMetadataBytes,
  toLroOperation,
} from "../operations/operations.ts";
import { CLIENT_IDENTITY_TRAILER, identityOf, REQUEST_METADATA_HEADER } from "./caller.ts";
import { untilDeadline, type WaitLimits } from "./deadline.ts";
import { target } from "./target.ts";

/**
 * `google.longrunning.Operations`, the LRO view. Get and Wait echo the requested name and say in trailers who asked for
 * the operation. Cancelling what is not there is INVALID_ARGUMENT, as BuildGrid's clients expect; elsewhere NOT_FOUND.
 */
export function operationsService({
  identityFromHeaders,
  waitLimits,
}: {
  identityFromHeaders: boolean;
  waitLimits: WaitLimits;
}): ServiceImpl<typeof Operations> {
  return {
    getOperation: async (request, context) => {
      const { instance, id } = target(context);
      return answer(await instance.operations.get(id), request.name, context);
    },
    waitOperation: async (request, context) => {
      const { instance, id } = target(context);
      const timeoutMs = request.timeout ? durationMs(request.timeout) : Number.POSITIVE_INFINITY;
      if (timeoutMs < 0) throw invalidField("timeout", "must not be negative");
      const wait = untilDeadline(context, waitLimits);
      const options = { signal: wait.signal, timeoutMs: Math.min(timeoutMs, wait.timeoutMs) };
      return answer(await instance.operations.wait(id, options), request.name, context);
    },
    listOperations: async (request, context) => {
      const { instance } = target(context);
      const { operations, nextPageToken } = await instance.operations.list(request);
      return create(ListOperationsResponseSchema, {
        operations: operations.map((record) => toLroOperation(record, formatOperationName(instance.name, record.id))),
        nextPageToken,
      });
    },
    cancelOperation: async (request, context) => {
      const { instance, id } = target(context);
      const identity = identityFromHeaders ? identityOf(context.requestHeader) : undefined;
      if (await instance.operations.cancel(id, identity)) return create(EmptySchema);
      throw invalidArgument("OPERATION_NOT_FOUND", `no such operation: ${request.name}`, { operation: request.name });
    },
    deleteOperation: async (_request, context) => {
      const { instance, id } = target(context);
      await instance.operations.delete(id);
      return create(EmptySchema);
    },
  };
}

/** Common clients take 8 KiB of trailers, and no answer at all with more: what does not fit is left out. */
const MOST_TRAILER_CHARACTERS = 6 * 1024;

function answer(record: OperationRecord, name: string, context: HandlerContext) {
  let room = MOST_TRAILER_CHARACTERS;
  for (const [trailer, bytes] of [
    [REQUEST_METADATA_HEADER, requestMetadataBytes(record)],
    [CLIENT_IDENTITY_TRAILER, clientIdentityBytes(record)],
  ] as const) {
    const value = bytes && encodeBinaryHeader(bytes);
    if (value === undefined || value.length > room) continue;
    context.responseTrailer.set(trailer, value);
    room -= value.length;
  }
  return toLroOperation(record, name);
}
