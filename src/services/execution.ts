import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { Execution } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { toDigest } from "../base/wire-digests.ts";
import type { Instance } from "../instances/instances.ts";
import { formatOperationName, type OperationRecord, toReapiOperation } from "../operations/operations.ts";
import { identityOf, requestMetadataOf } from "./caller.ts";
import { target } from "./target.ts";

/** REAPI Execution, the REAPI view: a stream of states that ends with `response`, never with `error`. */
export function executionService(options: { identityFromHeaders: boolean }): ServiceImpl<typeof Execution> {
  return {
    async *execute(request, context) {
      const { instance } = target(context);
      const operation = await instance.execution.execute({
        action: toDigest(request.actionDigest, request.digestFunction, "action_digest"),
        skipCacheLookup: request.skipCacheLookup,
        priority: request.executionPolicy?.priority ?? 0,
        requestMetadata: requestMetadataOf(context.requestHeader),
        identity: options.identityFromHeaders ? identityOf(context.requestHeader) : undefined,
      });
      yield* states(instance, operation, context);
    },
    async *waitExecution(_request, context) {
      const { instance, id } = target(context);
      yield* states(instance, id, context);
    },
  };
}

async function* states(instance: Instance, operation: string | OperationRecord, context: HandlerContext) {
  for await (const state of instance.execution.watch(operation, context.signal)) {
    yield toReapiOperation(state, formatOperationName(instance.name, state.id));
  }
}
