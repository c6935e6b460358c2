import type { Duration } from "@bufbuild/protobuf/wkt";
import type { Clock } from "../base/clock.ts";
import { invalidField } from "../base/errors.ts";
import {
  type Census,
  type FigureReport,
  LONGEST_WINDOW_MS,
  type PlatformLoad,
  type Scheduler,
  type Worker,
} from "../scheduler/scheduler.ts";

/** One page of workers; the token is "" on the last one. */
export interface WorkerPage {
  readonly workers: readonly Worker[];
  readonly nextPageToken: string;
}

/** Something that holds at a time, in milliseconds. */
export type Timed<T> = T & { readonly at: number };

/** What operators ask of one instance, or of several as one. */
export interface FarmView {
  /** Workers by session name. INVALID_ARGUMENT for a negative size and a token of no list. */
  workers(request: { readonly pageSize: number; readonly pageToken: string }): Promise<WorkerPage>;
  queue(): Promise<Timed<{ readonly platforms: PlatformLoad[] }>>;
  /** INVALID_ARGUMENT for a window that is not above 0 and at most 24 hours; one hour when there is none. */
  figures(window: Duration | undefined): Promise<FigureReport>;
}

const WORKERS = { usual: 100, most: 1000 };
const LONGEST_TOKEN = 4096;

const USUAL_WINDOW_MS = 3_600_000;

/** Makes the view of the farm that some instances have together. */
export function createFarmView(
  instances: readonly string[],
  deps: { census: Census; figures: Scheduler["figures"]; clock: Clock },
): FarmView {
  const { census, figures, clock } = deps;
  return {
    workers: async ({ pageSize, pageToken }) => {
      const size = Math.min(notNegative("page_size", pageSize) || WORKERS.usual, WORKERS.most);
      const workers = await census.workers(instances, { after: decodeToken(pageToken), limit: size + 1 });
      const last = workers.length > size ? workers[size - 1] : undefined;
      return { workers: workers.slice(0, size), nextPageToken: last ? encodeToken(last.session.name) : "" };
    },
    queue: async () => ({ platforms: await census.queue(instances), at: clock.now() }),
    figures: async (window) => figures.report(instances, window ? windowMs(window) : USUAL_WINDOW_MS),
  };
}

function windowMs({ seconds, nanos }: Duration): number {
  const ms = Number(seconds) * 1000 + nanos / 1e6;
  if (ms > 0 && ms <= LONGEST_WINDOW_MS) return ms;
  throw invalidField("window", "must be more than 0 and at most 24 hours");
}

/** The value. INVALID_ARGUMENT on the field when it is negative. */
export function notNegative(field: string, value: number): number {
  if (value < 0) throw invalidField(field, "must not be negative");
  return value;
}

function encodeToken(sessionName: string): string {
  return Buffer.from(sessionName).toString("base64url");
}

function decodeToken(token: string): string {
  const bytes = Buffer.from(token, "base64url");
  // Buffer skips what is not base64url; a token has one spelling only.
  if (token.length <= LONGEST_TOKEN && bytes.toString("base64url") === token) return bytes.toString();
  throw invalidField("page_token", "not a token of this list");
}
