import { unavailable } from "../../base/errors.ts";

type Method = (...input: never[]) => Promise<unknown>;

/** The calls that are under way. */
export class Calls {
  readonly #running = new Set<Promise<unknown>>();
  #ended = false;

  /** The same methods, counted: after the end they are UNAVAILABLE. */
  track<M extends Record<keyof M, Method>>(methods: M): M {
    const tracked = Object.entries<Method>(methods).map(([name, method]) => {
      return [name, (...input: never[]) => this.#call(() => method(...input))];
    });
    return Object.fromEntries(tracked) as M;
  }

  /** Lets no more calls begin, and waits for those that have. */
  async end(): Promise<void> {
    this.#ended = true;
    await Promise.allSettled(this.#running);
  }

  async #call(method: () => Promise<unknown>): Promise<unknown> {
    if (this.#ended) throw unavailable("the store is closed", 1000);
    const call = method();
    this.#running.add(call);
    try {
      return await call;
    } finally {
      this.#running.delete(call);
    }
  }
}
