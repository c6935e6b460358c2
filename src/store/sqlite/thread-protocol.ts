import { resultCode } from "./result-codes.ts";

/** What a thread can be asked to do. Arguments and answers are copied between threads: plain data only. */
// biome-ignore lint/suspicious/noExplicitAny: only `any` lets every signature fit
export type Handlers = Record<string, (...input: any[]) => unknown>;

/** One request to a thread. */
export interface Call {
  readonly id: number;
  readonly kind: string;
  readonly input: readonly unknown[];
}

/** What a failed call failed with. */
export interface Failure {
  readonly error: Error;
  /** SQLite's result code, which does not survive the copy of the error itself. */
  readonly code: number | undefined;
}

/** The answer to one call. */
export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: Failure };

/** What goes to a thread: calls, or the wish that it end after those before. */
export type Order = readonly Call[] | "close";

/** The id of the unasked answer by which a thread says that it is ready. */
export const READY = -1;

/** Makes an error fit for the way between threads. */
export function toFailure(error: unknown): Failure {
  return { error: error instanceof Error ? error : new Error(String(error)), code: resultCode(error) };
}

/** Runs one call. Throws what the handler throws. */
export function handle(handlers: Handlers, { kind, input }: Call): unknown {
  const handler = handlers[kind];
  if (!handler) throw new Error(`no such call: ${kind}`);
  return handler(...input);
}
