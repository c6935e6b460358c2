import type { Clock } from "../../base/clock.ts";
import { unavailable } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";

const LOG_EVERY_MS = 60_000;
const RETRY_MS = 2000;

/** What S3, or the way to it, said. */
export interface S3Failure {
  /** The HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;
  /** As `NoSuchBucket` or `ECONNREFUSED`. */
  readonly code: string;
  readonly message: string;
}

/** Reads an error of the SDK, or one of the connection below. */
export function failureOf(error: unknown): S3Failure {
  if (!(error instanceof Error)) return { status: undefined, code: "Unknown", message: String(error) };
  const { $metadata, code } = error as { $metadata?: { httpStatusCode?: number }; code?: unknown };
  // The answer to a HEAD has no body that could tell more than its status.
  const name = error.name === "Error" || error.name === "Unknown" ? code : error.name;
  return {
    status: $metadata?.httpStatusCode,
    code: typeof name === "string" ? name : "Unknown",
    message: error.message === "UnknownError" ? "" : error.message,
  };
}

/** True when what was asked for is not there. A missing bucket is an error. */
export function isMissing(error: unknown): boolean {
  const { status, code } = failureOf(error);
  return status === 404 && code !== "NoSuchBucket" && code !== "NoSuchUpload";
}

/** Tells the log when the store begins to fail, that it goes on, and when it ends: not a line for each request. */
export interface Outage {
  /** Notes a failure; answers the UNAVAILABLE for the client. */
  failed(error: unknown): Error;
  /** Notes a success. */
  worked(): void;
}

/** Makes the outage log of one bucket. */
export function createOutage(bucket: string, { clock, log }: { clock: Clock; log: Logger }): Outage {
  let loggedAt: number | undefined;
  return {
    failed: (error) => {
      const { status, code } = failureOf(error);
      const now = clock.now();
      if (loggedAt === undefined || now - loggedAt >= LOG_EVERY_MS) {
        loggedAt = now;
        const what = status === 403 ? "S3 denies access to the bucket of the blobs" : "the bucket of the blobs fails";
        log.error({ err: error, bucket, status, code }, what);
      }
      const why = status === 403 ? "denies the server access" : "cannot be reached or fails";
      return unavailable(`the store of the blobs ${why}; the log of the server says more`, RETRY_MS);
    },
    worked: () => {
      if (loggedAt === undefined) return;
      loggedAt = undefined;
      log.info({ bucket }, "the bucket of the blobs works again");
    },
  };
}
