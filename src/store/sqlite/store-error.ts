import { dataLoss, resourceExhausted, unavailable } from "../../base/errors.ts";
import { Result } from "./result-codes.ts";

const RETRY_AFTER_MS = 1000;
const RETRY_WHEN_FULL_MS = 10_000;

/**
 * What a failure with a result code of SQLite means to callers: RESOURCE_EXHAUSTED for a full disk, UNAVAILABLE for what
 * may pass, DATA_LOSS for a damaged file; nothing was changed. Anything else is a bug and comes back as it is.
 */
export function storeError(error: Error, code: number | undefined): Error {
  switch (code) {
    case Result.FULL:
      return resourceExhausted("STORE_DISK_FULL", "the disk of the store is full", RETRY_WHEN_FULL_MS);
    case Result.BUSY:
    case Result.LOCKED:
    case Result.NOMEM:
    case Result.READONLY:
    case Result.IOERR:
    case Result.CANTOPEN:
    case Result.PROTOCOL:
      return unavailable(`the store cannot be used now: ${error.message}`, RETRY_AFTER_MS);
    case Result.CORRUPT:
    case Result.NOTADB:
      return dataLoss("STORE_DAMAGED", `the database of the store is damaged: ${error.message}`);
    default:
      return error;
  }
}
