import type { Clock } from "../../base/clock.ts";
import { unavailable } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";

const LOG_EVERY_MS = 60_000;
const RETRY_MS = 2000;

/** What is known of a failure of a remote store. */
export interface RemoteFailure {
  /** True when the store understood and refused. */
  readonly isDenied: boolean;
  /** For the log. */
  readonly fields: object;
}

/** What an outage log is about. */
export interface OutageOptions {
  /** For the log, as `bucket: blobs`. */
  readonly store: object;
  readonly failureOf: (error: unknown) => RemoteFailure;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Tells the log when the store begins to fail, that it goes on, and when it ends: not a line for each request. */
export interface Outage {
  /** Notes a failure; answers the UNAVAILABLE for the client. */
  failed(error: unknown): Error;
  /** Notes a success. */
  worked(): void;
}

/** Makes the outage log of one store. */
export function createOutage({ store, failureOf, clock, log }: OutageOptions): Outage {
  let loggedAt: number | undefined;
  return {
    failed: (error) => {
      const { isDenied, fields } = failureOf(error);
      const now = clock.monotonic();
      if (loggedAt === undefined || now - loggedAt >= LOG_EVERY_MS) {
        loggedAt = now;
        const what = isDenied ? "the remote store of the blobs denies access" : "the remote store of the blobs fails";
        log.error({ err: error, ...store, ...fields }, what);
      }
      const why = isDenied ? "denies the server access" : "cannot be reached or fails";
      return unavailable(`the store of the blobs ${why}; the log of the server says more`, RETRY_MS);
    },
    worked: () => {
      if (loggedAt === undefined) return;
      loggedAt = undefined;
      log.info(store, "the remote store of the blobs works again");
    },
  };
}
