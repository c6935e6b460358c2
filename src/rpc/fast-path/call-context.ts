import type { IncomingHttpHeaders } from "node:http2";
import type { DescMethod } from "@bufbuild/protobuf";
import { createContextValues, type HandlerContext } from "@connectrpc/connect";
import { parseTimeout } from "@connectrpc/connect/protocol-grpc";
import type { Clock, Timer } from "../../base/clock.ts";
import { Code, cancelled, StatusError } from "../../base/errors.ts";
import { HeaderFields } from "./header-fields.ts";

const OK_STATUS = [["grpc-status", "0"]] as const;

/** The request that a context is of. */
export interface ContextRequest {
  readonly method: DescMethod;
  readonly headers: IncomingHttpHeaders;
  readonly encrypted: boolean;
  /** What a response is to begin with, in lower case. */
  readonly responseHeaders: Readonly<Record<string, string>>;
}

function toHeaders(headers: IncomingHttpHeaders): Headers {
  const all = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(":") || value === undefined) continue;
    for (const each of Array.isArray(value) ? value : [value]) all.append(name, each);
  }
  return all;
}

/**
 * What a handler may ask of its call. There is one for every call, and most handlers ask for little: what costs something,
 * the deadline's timer included, is made when it is asked for.
 */
export class CallContext implements HandlerContext {
  readonly method: DescMethod;
  readonly requestMethod = "POST";
  readonly protocolName = "grpc";
  readonly values = createContextValues();
  readonly #request: ContextRequest;
  readonly #clock: Clock;
  readonly #deadline: number | undefined;
  #requestHeader: Headers | undefined;
  #responseHeader: Headers | undefined;
  #responseTrailer: Headers | undefined;
  #controller: AbortController | undefined;
  #timer: Timer | undefined;
  #ended = false;
  #endReason: StatusError | undefined;

  constructor(request: ContextRequest, clock: Clock) {
    this.method = request.method;
    this.#request = request;
    this.#clock = clock;
    const timeout = request.headers["grpc-timeout"];
    if (typeof timeout === "string")
      this.#deadline = clock.monotonic() + (parseTimeout(timeout, Number.POSITIVE_INFINITY).timeoutMs ?? 0);
  }

  get service() {
    return this.method.parent;
  }

  get url(): string {
    const { headers, encrypted } = this.#request;
    return new URL(String(headers[":path"]), `${encrypted ? "https" : "http"}://${headers[":authority"]}`).toString();
  }

  get requestHeader(): Headers {
    this.#requestHeader ??= toHeaders(this.#request.headers);
    return this.#requestHeader;
  }

  get responseHeader(): Headers {
    this.#responseHeader ??= new HeaderFields(Object.entries(this.#request.responseHeaders));
    return this.#responseHeader;
  }

  get responseTrailer(): Headers {
    this.#responseTrailer ??= new HeaderFields(OK_STATUS);
    return this.#responseTrailer;
  }

  get signal(): AbortSignal {
    this.#controller ??= this.#createController();
    return this.#controller.signal;
  }

  /** Milliseconds until the caller's deadline, negative afterwards; undefined without one. */
  readonly timeoutMs = (): number | undefined =>
    this.#deadline === undefined ? undefined : this.#deadline - this.#clock.monotonic();

  /** The headers that were asked for, undefined when none were: then they are as they were to begin with. */
  get touchedHeader(): Headers | undefined {
    return this.#responseHeader;
  }

  /** The same of the trailers. */
  get touchedTrailer(): Headers | undefined {
    return this.#responseTrailer;
  }

  /** The call is answered. */
  end(): void {
    this.#end(undefined);
  }

  /** The client is gone; means nothing when the call is answered. */
  lose(): void {
    if (!this.#ended) this.#end(cancelled("the client went away"));
  }

  #end(reason: StatusError | undefined): void {
    this.#ended = true;
    this.#endReason = reason;
    this.#timer?.cancel();
    this.#controller?.abort(reason);
  }

  #createController(): AbortController {
    const controller = new AbortController();
    const leftMs = this.timeoutMs();
    const expire = () => controller.abort(new StatusError("the operation timed out", Code.DeadlineExceeded));
    if (this.#ended) controller.abort(this.#endReason);
    else if (leftMs !== undefined && leftMs <= 0) expire();
    else if (leftMs !== undefined) this.#timer = this.#clock.after(leftMs, expire);
    return controller;
  }
}
