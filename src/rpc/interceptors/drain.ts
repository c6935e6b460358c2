import type { DescService } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import { type StatusError, unavailable } from "../../base/errors.ts";

const RETRY_DELAY_MS = 1000;

/** The status of calls that meet a draining server: a replica, or the next process, will take them. */
export function drainingError(): StatusError {
  return unavailable("the server is shutting down", RETRY_DELAY_MS);
}

/** Throws drainingError when the drain has begun, unless the service is one of the exempt. */
export function refuseDuringDrain(draining: AbortSignal, exempt: readonly DescService[], service: DescService): void {
  if (draining.aborted && !exempt.includes(service)) throw drainingError();
}

/** One listener on the signal for all streams: an AbortSignal looks through its listeners on each change. */
export class DrainListeners {
  readonly signal: AbortSignal;
  readonly #listeners = new Set<() => void>();

  constructor(signal: AbortSignal) {
    this.signal = signal;
    signal.addEventListener("abort", () => this.#notify(), { once: true });
  }

  add(listener: () => void): void {
    this.#listeners.add(listener);
  }

  delete(listener: () => void): void {
    this.#listeners.delete(listener);
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }
}

/**
 * Messages until the drain begins, then an UNAVAILABLE error, also for whoever waits for a message at that moment. The
 * source is told to return; it may sit in a wait of its own, which ends because the error ends the call and with it the
 * call's signal.
 */
export class UndrainedMessages<T> implements AsyncIterator<T> {
  readonly #source: AsyncIterator<T>;
  readonly #listeners: DrainListeners;
  readonly #onDrain = () => this.#end();
  #rejectWaiting: ((error: StatusError) => void) | undefined;

  constructor(source: AsyncIterator<T>, listeners: DrainListeners) {
    this.#source = source;
    this.#listeners = listeners;
    listeners.add(this.#onDrain);
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#listeners.signal.aborted) {
      this.#end();
      return Promise.reject(drainingError());
    }
    const { promise, resolve, reject } = Promise.withResolvers<IteratorResult<T>>();
    this.#rejectWaiting = reject;
    this.#source.next().then(
      (result) => {
        if (result.done) this.#listeners.delete(this.#onDrain);
        this.#rejectWaiting = undefined;
        resolve(result);
      },
      (error) => {
        this.#listeners.delete(this.#onDrain);
        reject(error);
      },
    );
    return promise;
  }

  async return(value?: unknown): Promise<IteratorResult<T>> {
    this.#listeners.delete(this.#onDrain);
    return (await this.#source.return?.(value)) ?? { done: true, value };
  }

  async throw(error?: unknown): Promise<IteratorResult<T>> {
    this.#listeners.delete(this.#onDrain);
    if (!this.#source.throw) throw error;
    return this.#source.throw(error);
  }

  #end(): void {
    this.#rejectWaiting?.(drainingError());
    this.#source.return?.().catch(() => {});
  }
}

/**
 * Ends calls when `draining` aborts. New calls are refused with UNAVAILABLE and a RetryInfo, and streamed responses
 * (server streaming, bidirectional) end with the same. A call with one response, unary or client streaming, runs to its
 * end and its signal stays as it is: a handler that waits long has to watch `draining` itself and answer early. So has
 * every handler of the services in `exempt`, which speak about the drain and are left alone.
 */
export function drainInterceptor(draining: AbortSignal, exempt: readonly DescService[] = []): Interceptor {
  const listeners = new DrainListeners(draining);
  return (next) => async (request) => {
    if (exempt.includes(request.service)) return next(request);
    refuseDuringDrain(draining, exempt, request.service);
    const response = await next(request);
    if (!response.stream || response.method.methodKind === "client_streaming") return response;
    const { message } = response;
    return {
      ...response,
      message: {
        [Symbol.asyncIterator]: () => new UndrainedMessages(message[Symbol.asyncIterator](), listeners),
      },
    };
  };
}
