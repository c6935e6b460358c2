import { create, type DescService, type Message } from "@bufbuild/protobuf";
import type { HandlerContext, MethodImplSpec } from "@connectrpc/connect";
import type { Logger } from "../base/log.ts";
import type { Instances } from "../instances/instances.ts";
import { dispatch } from "./interceptors/dispatch.ts";
import { refuseDuringDrain } from "./interceptors/drain.ts";
import { toStatusError } from "./interceptors/errors.ts";
import { logCall } from "./interceptors/log.ts";

/** The implementation of a unary method. */
export type UnarySpec = Extract<MethodImplSpec, { kind: "unary" }>;

/** Answers the request of a unary call. What it rejects with is a StatusError. */
export type Invoke = (spec: UnarySpec, request: Message, context: HandlerContext) => Promise<Message>;

/** What the interceptors do around a unary call, in their order, without them. */
export function createInvoke(deps: {
  instances: Instances;
  log: Logger;
  draining: AbortSignal;
  /** Services that speak about the drain. */
  exempt: readonly DescService[];
}): Invoke {
  const { instances, log, draining, exempt } = deps;
  return async (spec, request, context) => {
    const { method } = spec;
    const startedAt = performance.now();
    try {
      refuseDuringDrain(draining, exempt, method.parent);
      dispatch(instances, method, request, context.values);
      const response = create(method.output, await spec.impl(request, context));
      logCall(log, method, startedAt, undefined);
      return response;
    } catch (error) {
      const call = { method: `/${method.parent.typeName}/${method.name}`, signal: context.signal };
      const status = toStatusError(error, call, log);
      logCall(log, method, startedAt, status);
      throw status;
    }
  };
}
