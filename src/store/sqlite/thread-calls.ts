import { Worker } from "node:worker_threads";
import type { Clock } from "../../base/clock.ts";
import { unavailable } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { storeError } from "./store-error.ts";
import { type Answer, type Call, type Handlers, type Order, READY, toFailure } from "./thread-protocol.ts";

/** What a ThreadCalls needs. */
export interface ThreadCallsOptions {
  /** The module that runs in the thread; it posts READY when it can work. */
  readonly script: URL;
  /** Handed to the thread as its `workerData`. */
  readonly data: unknown;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

const RETRY_AFTER_MS = 1000;

/*
 * idle -> running   at the first call, or by start(): the thread is made. Calls of one turn of the event loop travel as
 *                   one message, in the order in which they were made.
 * running -> idle   the thread died. What it had received fails, as nobody knows how far it came; what it had not goes
 *                   to the next thread.
 * running -> broken the thread died before it was ready. All calls fail for a second, then it is idle again.
 * any -> closed     by disposal: what was called before is answered, then the thread ends.
 */

/** Calls to handlers that run in a thread of their own. */
export class ThreadCalls<H extends Handlers> implements AsyncDisposable {
  readonly #options: ThreadCallsOptions;
  readonly #pending = new Map<number, Pending>();
  #unsent: Call[] = [];
  #thread: Worker | undefined;
  #ready = false;
  #broken: { readonly cause: string; readonly until: number } | undefined;
  #lastId = 0;
  #closed: Promise<void> | undefined;

  constructor(options: ThreadCallsOptions) {
    this.#options = options;
  }

  /** Makes the thread and waits until it is ready. Rejects with what kept it from that. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.set(READY, { resolve: () => resolve(), reject });
      this.#running();
    });
  }

  /** Runs a handler. UNAVAILABLE when the thread dies or after disposal, else what `storeError` makes of its failure. */
  call<K extends keyof H & string>(kind: K, ...input: Parameters<H[K]>): Promise<ReturnType<H[K]>> {
    return new Promise((resolve, reject) => {
      const refusal = this.#refusal();
      if (refusal) return reject(refusal);
      const id = ++this.#lastId;
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
      if (this.#unsent.push({ id, kind, input }) === 1) setImmediate(() => this.#send());
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #refusal(): Error | undefined {
    if (this.#closed) return unavailable("the store is closed", RETRY_AFTER_MS);
    if (!this.#broken) return undefined;
    const wait = this.#broken.until - this.#options.clock.monotonic();
    if (wait > 0) return unavailable(`the store cannot work: ${this.#broken.cause}`, wait);
    this.#broken = undefined;
    return undefined;
  }

  #send(): void {
    if (this.#unsent.length === 0) return;
    const calls = this.#unsent;
    this.#unsent = [];
    try {
      this.#running().postMessage(calls satisfies Order);
    } catch (error) {
      this.#settle(calls.map(({ id }) => ({ id, failure: toFailure(error) })));
    }
  }

  #running(): Worker {
    if (this.#thread) return this.#thread;
    const thread = new Worker(this.#options.script, { workerData: this.#options.data });
    let cause: string | undefined;
    thread.on("message", (answers: Answer[]) => {
      this.#ready = true;
      this.#settle(answers);
    });
    thread.on("error", (error) => {
      cause = toFailure(error).error.message;
    });
    thread.on("exit", () => this.#onExit(cause));
    this.#thread = thread;
    this.#ready = false;
    return thread;
  }

  #settle(answers: readonly Answer[]): void {
    for (const answer of answers) {
      const pending = this.#pending.get(answer.id);
      this.#pending.delete(answer.id);
      if ("failure" in answer) pending?.reject(storeError(answer.failure.error, answer.failure.code));
      else pending?.resolve(answer.value);
    }
  }

  #onExit(error: string | undefined): void {
    this.#thread = undefined;
    if (this.#closed && this.#pending.size === 0 && error === undefined) return;
    const cause = error ?? "it ended by itself";
    this.#options.log.error({ cause, script: this.#options.script.pathname }, "a thread of the store died");
    if (!this.#ready) {
      this.#broken = { cause, until: this.#options.clock.monotonic() + RETRY_AFTER_MS };
      this.#unsent = [];
    }
    const waiting = new Set(this.#unsent.map(({ id }) => id));
    for (const [id, pending] of this.#pending) {
      if (waiting.has(id)) continue;
      this.#pending.delete(id);
      pending.reject(unavailable(`a thread of the store died: ${cause}`, RETRY_AFTER_MS));
    }
  }

  async #close(): Promise<void> {
    this.#send();
    const thread = this.#thread;
    if (!thread) return;
    const ended = new Promise((resolve) => thread.once("exit", resolve));
    thread.postMessage("close" satisfies Order);
    await ended;
  }
}
