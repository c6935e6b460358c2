import { create, type DescService, type Message } from "@bufbuild/protobuf";
import type { HandlerContext, MethodImplSpec } from "@connectrpc/connect";
import type { StatusError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Instances } from "../instances/instances.ts";
import { dispatch } from "./interceptors/dispatch.ts";
import { DrainListeners, refuseDuringDrain, UndrainedMessages } from "./interceptors/drain.ts";
import { toStatusError } from "./interceptors/errors.ts";
import { logCall } from "./interceptors/log.ts";

/** The implementation of a method that answers one message with many. */
export type StreamSpec = Extract<MethodImplSpec, { kind: "server_streaming" }>;

/** Answers the request of a server-streaming call. What the iterator throws is a StatusError. */
export type InvokeStream = (spec: StreamSpec, request: Message, context: HandlerContext) => AsyncIterator<Message>;

interface Deps {
  readonly instances: Instances;
  readonly log: Logger;
  readonly draining: AbortSignal;
  /** Services that speak about the drain. */
  readonly exempt: readonly DescService[];
}

/** What the interceptors do around a server-streaming call, in their order, without them. */
export function createInvokeStream(deps: Deps): InvokeStream {
  const listeners = new DrainListeners(deps.draining);
  return (spec, request, context) => new Invocation(deps, listeners, spec, request, context);
}

/** An object and not a generator around generators, as a server may have very many that wait. */
class Invocation implements AsyncIterator<Message> {
  readonly #deps: Deps;
  readonly #listeners: DrainListeners;
  readonly #spec: StreamSpec;
  readonly #context: HandlerContext;
  readonly #startedAt = performance.now();
  #request: Message | undefined;
  #source: AsyncIterator<Message> | undefined;
  #ended = false;

  constructor(deps: Deps, listeners: DrainListeners, spec: StreamSpec, request: Message, context: HandlerContext) {
    this.#deps = deps;
    this.#listeners = listeners;
    this.#spec = spec;
    this.#request = request;
    this.#context = context;
  }

  async next(): Promise<IteratorResult<Message>> {
    try {
      this.#source ??= this.#begin();
      const result = await this.#source.next();
      if (result.done) this.#end(undefined);
      return result;
    } catch (error) {
      throw this.#failed(error);
    }
  }

  async return(): Promise<IteratorResult<Message>> {
    try {
      if (!this.#ended) await this.#source?.return?.();
      this.#end(undefined);
      return { done: true, value: undefined };
    } catch (error) {
      throw this.#failed(error);
    }
  }

  #begin(): AsyncIterator<Message> {
    const { instances, draining, exempt } = this.#deps;
    const { method, impl } = this.#spec;
    const request = this.#request as Message;
    this.#request = undefined;
    refuseDuringDrain(draining, exempt, method.parent);
    dispatch(instances, method, request, this.#context.values);
    const messages = impl(request, this.#context)[Symbol.asyncIterator]();
    const typed: AsyncIterator<Message> = {
      next: async () => {
        const { done, value } = await messages.next();
        return done ? { done, value: undefined } : { done: false, value: create(method.output, value) };
      },
      return: async () => {
        await messages.return?.();
        return { done: true, value: undefined };
      },
    };
    return exempt.includes(method.parent) ? typed : new UndrainedMessages(typed, this.#listeners);
  }

  #failed(error: unknown) {
    const { log } = this.#deps;
    const { method } = this.#spec;
    const call = { method: `/${method.parent.typeName}/${method.name}`, signal: this.#context.signal };
    const status = toStatusError(error, call, log);
    this.#end(status);
    return status;
  }

  #end(status: StatusError | undefined): void {
    if (!this.#ended) logCall(this.#deps.log, this.#spec.method, this.#startedAt, status);
    this.#ended = true;
  }
}
