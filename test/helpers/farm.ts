import type { TestContext } from "node:test";
import { digestOf } from "../../src/base/digests.ts";
import { newId } from "../../src/base/ids.ts";
import type {
  ClientIdentity,
  JobOutcome,
  JobRecord,
  OperationRecord,
  PlatformProperty,
  RequestMetadata,
} from "../../src/operations/operations.ts";
import type { SessionRecord, Store, Submission } from "../../src/store/store.ts";
import { type Backend, type OpenStoreOptions, openStore } from "./open-store.ts";

/** The time at which all that does not say otherwise happens. */
export const START = Date.UTC(2026, 0, 1);

/** What a test says of a submission; the rest is made up. Each has an action of its own unless `action` names one. */
export interface SubmissionWish {
  readonly instance?: string;
  readonly action?: string;
  readonly command?: string;
  readonly platform?: readonly PlatformProperty[];
  readonly priority?: number;
  readonly cacheable?: boolean;
  readonly timeoutMs?: number;
  readonly outcome?: JobOutcome;
  readonly requestMetadata?: RequestMetadata;
  readonly identity?: ClientIdentity;
  readonly now?: number;
}

/** Makes a submission. */
export function submission(wish: SubmissionWish = {}): Submission {
  const { instance = "main", now = START, requestMetadata, identity, outcome } = wish;
  const jobId = newId();
  return {
    operation: { id: newId(), instance, requestMetadata, identity },
    job: {
      id: jobId,
      action: digestOf(Buffer.from(wish.action ?? jobId)),
      command: wish.command ?? "cc -c main.c",
      platform: wish.platform ?? [{ name: "OSFamily", value: "linux" }],
      priority: wish.priority ?? 0,
      cacheable: wish.cacheable ?? true,
      timeoutMs: wish.timeoutMs ?? 60_000,
    },
    outcome,
    now,
  };
}

/** Makes an outcome; what `response` holds is not a real message, which is none of the store's business. */
export function outcome(wish: Partial<Omit<JobOutcome, "response">> & { response?: string } = {}): JobOutcome {
  const { statusCode = 0, exitCode = 0, cached = false, response = "response" } = wish;
  return { statusCode, exitCode, cached, response: new Uint8Array(Buffer.from(response)) };
}

/** The outcome of a job that was cancelled. */
export const CANCELLED: JobOutcome = {
  statusCode: 1,
  exitCode: undefined,
  cached: false,
  response: new Uint8Array([1]),
};

/** Makes a bot session. */
export function session(wish: Partial<SessionRecord> = {}): SessionRecord {
  return {
    name: "main/bot-session",
    botId: "bot",
    parent: "main",
    status: 1,
    capacity: 1,
    properties: [{ name: "OSFamily", value: "linux" }],
    version: 1,
    expiresAt: START + 60_000,
    updatedAt: START,
    ...wish,
  };
}

/** A store with short words for what tests do again and again. */
export interface Farm {
  readonly store: Store;
  submit(wish?: SubmissionWish): Promise<OperationRecord>;
  /** Gives the best queued jobs of all platforms to a session, which is made when it is missing. */
  lease(sessionName?: string, limit?: number): Promise<JobRecord[]>;
  /** The operation as it is now. */
  again(operation: OperationRecord): Promise<OperationRecord | undefined>;
}

/** Opens a store for the length of a test. */
export async function openFarm(t: TestContext, backend: Backend, options?: OpenStoreOptions): Promise<Farm> {
  const store = await openStore(t, backend, options);
  return {
    store,
    submit: async (wish) => (await store.submit(submission(wish))).operation,
    lease: async (name = "main/bot-session", limit = 1) => {
      if (!(await store.getSession(name))) await store.putSession(session({ name, botId: name }));
      const platforms = (await store.platforms(0)).map(({ id }) => id);
      return store.claim({ session: name, worker: "bot", platforms, limit, now: START + 10 });
    },
    again: ({ instance, id }) => store.getOperation({ instance, id }),
  };
}

/** Ends a job as the server itself would. */
export function completeJob(store: Store, jobId: string, now = START + 5): Promise<boolean> {
  const end = { session: undefined, outcome: outcome(), actionResult: undefined, startedAt: undefined };
  return store.complete({ jobId, now, ...end });
}
