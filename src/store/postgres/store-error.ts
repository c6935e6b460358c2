import { dataLoss, resourceExhausted, unavailable } from "../../base/errors.ts";

const RETRY_AFTER_MS = 1000;
const RETRY_WHEN_FULL_MS = 10_000;

/** The class of errors of connections and others of SQLSTATE that may pass without anybody changing a statement. */
const PASSING = new Set([
  ...["08", "53", "57", "58"], // connection, resources, operator intervention, system
  ...["25006", "55P03", "55006", "3D000", "28P01", "28000", "40001", "40P01", "42501"],
]);

/** The SQLSTATE of an error that the server, or a pooler in front of it, reported; else undefined. */
export function sqlState(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && "severity" in error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** True when the same transaction may succeed at once: it was chosen to make room for another. */
export function isRetryable(error: unknown): boolean {
  const state = sqlState(error);
  return state === "40001" || state === "40P01";
}

/** True when the connection on which a statement failed is of no more use. */
export function isConnectionLost(error: unknown): boolean {
  const state = sqlState(error);
  if (state === undefined) return true;
  const severity = error instanceof Error && "severity" in error ? error.severity : undefined;
  return state.startsWith("08") || severity === "FATAL" || severity === "PANIC";
}

/**
 * What a failed statement means to callers: RESOURCE_EXHAUSTED for a full disk, DATA_LOSS for damaged data, UNAVAILABLE
 * for what may pass, the loss of the connection included, after which nobody knows whether a change was committed.
 * Anything else is a bug and comes back as it is.
 */
export function storeError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof TypeError) return error;
  const state = sqlState(error);
  if (state === undefined) return unreachable();
  if (state === "53100")
    return resourceExhausted("STORE_DISK_FULL", "the disk of the store is full", RETRY_WHEN_FULL_MS);
  if (state === "XX001" || state === "XX002") {
    return dataLoss("STORE_DAMAGED", `the database of the store is damaged: ${error.message}`);
  }
  const passing = PASSING.has(state) || PASSING.has(state.slice(0, 2));
  return passing ? unavailable(`the store cannot be used now (SQLSTATE ${state})`, RETRY_AFTER_MS) : error;
}

/** The database does not answer. */
export function unreachable(): Error {
  return unavailable("the store cannot be reached now", RETRY_AFTER_MS);
}

/** Others change the same job again and again. */
export function tooBusy(): Error {
  return unavailable("the store is busy with the same job", RETRY_AFTER_MS);
}
