import { create } from "@bufbuild/protobuf";
import { durationMs, EmptySchema } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { ListOperationsResponseSchema, type Operations } from "../../gen/google/longrunning/operations_pb.ts";
import { invalidArgument, invalidField } from "../base/errors.ts";
import { formatOperationName, toLroOperation } from "../operations/operations.ts";
import { identityOf } from "./caller.ts";
import { untilDeadline, type WaitLimits } from "./deadline.ts";
import { answerOperation } from "./operation-answers.ts";
import { allInstances, target } from "./target.ts";

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
      return answerOperation(await instance.operations.get(id), request.name, context);
    },
    waitOperation: async (request, context) => {
      const { instance, id } = target(context);
      const timeoutMs = request.timeout ? durationMs(request.timeout) : Number.POSITIVE_INFINITY;
      if (timeoutMs < 0) throw invalidField("timeout", "must not be negative");
      const wait = untilDeadline(context, waitLimits);
      const options = { signal: wait.signal, timeoutMs: Math.min(timeoutMs, wait.timeoutMs) };
      return answerOperation(await instance.operations.wait(id, options), request.name, context);
    },
    listOperations: async (request, context) => {
      const across = allInstances(context);
      const page = across
        ? await across.list({ ...request, partial: request.returnPartialSuccess })
        : { ...(await target(context).instance.operations.list(request)), unreachable: [] };
      return create(ListOperationsResponseSchema, {
        operations: page.operations.map((record) =>
          toLroOperation(record, formatOperationName(record.instance, record.id)),
        ),
        nextPageToken: page.nextPageToken,
        unreachable: [...page.unreachable],
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
