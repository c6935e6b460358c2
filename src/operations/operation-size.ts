import type { OperationRecord } from "./record.ts";

/** What an operation takes beside its names and the blobs of its job: mostly type URLs and digest. */
const FIXED_BYTES = 512;

const MOST_BYTES_OF_CHARACTER = 3;

/** How many bytes an operation takes in an encoded answer, in either view: at most this, and seldom much less. */
export function operationSize({ instance, cancelled, job }: OperationRecord): number {
  const { worker = "", partialMetadata, outcome } = job;
  const bytes = FIXED_BYTES + MOST_BYTES_OF_CHARACTER * (instance.length + worker.length);
  if (cancelled) return bytes;
  const responseBytes = outcome?.response.byteLength ?? 0;
  // An error has the ExecuteResponse as a detail, and its status once more.
  const errorBytes = outcome?.statusCode === 0 ? 0 : responseBytes;
  return bytes + responseBytes + errorBytes + (partialMetadata?.byteLength ?? 0);
}
