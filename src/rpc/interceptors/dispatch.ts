import type { DescMethod, Message } from "@bufbuild/protobuf";
import type { ContextValues, Interceptor } from "@connectrpc/connect";
import { invalidArgument } from "../../base/errors.ts";
import { type Instances, isInstanced } from "../../instances/instances.ts";
import { setTarget } from "../../services/services.ts";

/**
 * Finds the instance of a call and what in it the call is about, and keeps both in the call's context for the service.
 * Throws as Instances.resolve does. Does nothing for services that belong to no instance.
 */
export function dispatch(instances: Instances, method: DescMethod, message: Message, values: ContextValues): void {
  if (isInstanced(method)) setTarget(values, instances.resolve(method, message));
}

/**
 * Dispatch as an interceptor. Of a stream it looks at the first message only, and puts it back. A client that sends none
 * gets INVALID_ARGUMENT where that is its right, and else the protocol's own error.
 */
export function dispatchInterceptor(instances: Instances): Interceptor {
  return (next) => async (request) => {
    if (!request.stream) {
      dispatch(instances, request.method, request.message, request.contextValues);
      return next(request);
    }
    if (!isInstanced(request.method)) return next(request);
    const messages = request.message[Symbol.asyncIterator]();
    const first = await messages.next();
    if (!first.done) dispatch(instances, request.method, first.value, request.contextValues);
    else if (request.method.methodKind !== "server_streaming") throw noMessage(request.method);
    return next({ ...request, message: putBack(first, messages) });
  };
}

function noMessage(method: DescMethod) {
  return invalidArgument("NO_MESSAGE", `${method.name} without a message names no instance`);
}

async function* putBack<T>(first: IteratorResult<T>, rest: AsyncIterator<T>): AsyncGenerator<T, void, undefined> {
  try {
    for (let result = first; !result.done; result = await rest.next()) yield result.value;
  } finally {
    await rest.return?.();
  }
}
