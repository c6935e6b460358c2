import assert from "node:assert/strict";
import fc from "fast-check";
import { digestOf } from "../../src/base/digests.ts";
import { newId } from "../../src/base/ids.ts";
import type { JobRecord } from "../../src/operations/operations.ts";
import type { Cause, OperationKey, PlatformRecord, Store } from "../../src/store/store.ts";
import { outcome, session, submission } from "./farm.ts";
import type { Played, PlayedNow, StoreModel } from "./store-model.ts";

const weights = {
  ...{ submit: 6, claim: 5, report: 3, requeue: 2, complete: 3, cancel: 3, kill: 1, delete: 2, prune: 1 },
  ...{ poll: 1, putSession: 2, deleteSession: 1, putResult: 1, deleteResult: 1 },
} as const;

/** What a step does. */
export type StepKind = keyof typeof weights;

/** One random step. The numbers mean what the kind makes of them, most of all which of the things that there are. */
export interface Step {
  readonly kind: StepKind;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** Random steps. */
export const anyStep: fc.Arbitrary<Step> = fc.record({
  kind: fc.oneof(
    ...Object.entries(weights).map(([kind, weight]) => ({ weight, arbitrary: fc.constant(kind as StepKind) })),
  ),
  ...{ a: fc.nat(11), b: fc.nat(5), c: fc.nat(3) },
});

/** What there is when a step is taken. */
export interface World {
  /** The store's own platforms: both of both instances. */
  readonly platforms: readonly PlatformRecord[];
  /** The operations that there were; the last ones are the likeliest. */
  readonly operations: readonly OperationKey[];
  /** The same of jobs. */
  readonly jobs: readonly string[];
  /** The session that holds a job, as far as is known. */
  holder(jobId: string): string | undefined;
  now(): number;
}

/** What a store did where the contract leaves it a choice. */
export interface Choices {
  readonly answer: unknown;
  /** Operations that are gone and that nobody has deleted. */
  readonly gone: ReadonlySet<string>;
  /** Nobody else did anything meanwhile. */
  readonly alone: boolean;
}

/** A call in which nothing is left to chance. */
export interface Call {
  readonly kind: StepKind;
  /** The id of its job or operation, where it has one. */
  readonly subject: string;
  readonly session: string | undefined;
  /** By which its outcome is known from all others. */
  readonly mark: string;
  run(store: Store): Promise<unknown>;
  /** Does the same to the model, and answers what the store should have. */
  replay(model: StoreModel, choices: Choices): unknown;
}

export const INSTANCES = ["a", "b"] as const;
export const ACTIONS = ["x", "y", "z"].map((text) => digestOf(Buffer.from(text)));
export const SESSIONS = ["*/1", "*/2", "*/3"] as const;
export const TIMEOUT_MS = 15;
const PLATFORMS = ["linux", "macos"].map((value) => [{ name: "OSFamily", value }]);
const NONE: OperationKey = { instance: "none", id: "none" };

/** Makes the platforms of both instances in an empty store, and leaves nothing else. */
export async function makePlatforms(store: Store): Promise<PlatformRecord[]> {
  for (const instance of INSTANCES) {
    for (const platform of PLATFORMS) {
      const { operation } = await store.submit(submission({ instance, platform, outcome: outcome() }));
      await store.deleteOperation(operation);
    }
  }
  return store.platforms(0);
}

/** Decides what a step is in a world. */
export function callOf(step: Step, world: World): Call {
  const { kind, a, b, c } = step;
  const operation = recent(world.operations, a) ?? NONE;
  const jobId = recent(world.jobs, a) ?? "none";
  const someSession = SESSIONS[c % SESSIONS.length] ?? "none";
  // Mostly one that may.
  const holder = b < 4 ? (world.holder(jobId) ?? someSession) : someSession;
  const session =
    kind === "complete" && c === 0
      ? undefined
      : kind === "claim" || kind === "putSession" || kind === "deleteSession"
        ? someSession
        : holder;
  const mark = newId();
  const now = world.now();
  const details = { step, world, now, operation, jobId, session, mark, cause: causeOf(step) };
  const ofOperation = kind === "cancel" || kind === "kill" || kind === "delete" || kind === "poll";
  return { kind, session, mark, subject: ofOperation ? operation.id : jobId, ...plays[kind](details) };
}

interface Details {
  readonly step: Step;
  readonly world: World;
  readonly now: number;
  readonly operation: OperationKey;
  readonly jobId: string;
  readonly session: string | undefined;
  readonly mark: string;
  readonly cause: Cause;
}

type Play = Pick<Call, "run" | "replay">;

/** The same for both. */
function both(play: (target: Played | PlayedNow) => unknown): Play {
  return { run: async (store) => play(store), replay: (model) => play(model) };
}

const plays: Readonly<Record<StepKind, (details: Details) => Play>> = {
  submit: ({ step: { a, b, c }, now, mark }) => {
    const wanted = submission({
      ...{
        instance: INSTANCES[a % 4 === 3 ? 1 : 0],
        action: ["x", "y", "z"][b % 3] ?? "x",
        now,
        timeoutMs: TIMEOUT_MS,
      },
      ...{ platform: PLATFORMS[c % 2] ?? [], priority: (a % 5) - 2, cacheable: b !== 5 },
      ...(a === 11 && { outcome: outcome({ cached: true, response: mark }) }),
    });
    return both((target) => target.submit(wanted));
  },

  claim: ({ step: { a, b }, world, session = "", now }) => {
    const platforms = world.platforms.filter((_, i) => a % 2 === 0 || i % 2 === b % 2);
    const claim = { session, worker: session, platforms: platforms.map(({ id }) => id), limit: 1 + (b % 3), now };
    const fits = (job: JobRecord) => platforms.some((each) => isPlatformOf(job, each));
    return {
      run: (store) => store.claim(claim),
      replay: (model, { answer, alone }) => {
        const ids = (answer as JobRecord[]).map(({ id }) => id);
        if (alone) return model.claim(claim, model.next(claim, fits));
        assert.ok(ids.length <= claim.limit && (answer as JobRecord[]).every(fits));
        return model.claim(claim, ids);
      },
    };
  },

  report: ({ step: { b }, jobId, session = "", mark, now }) => {
    const reached = Array.from({ length: b % 3 }, (_, i) => ({ name: `time_${i}`, at: now - i }));
    const startedAt = b % 2 === 0 ? now : undefined;
    return both((target) => target.reportProgress(jobId, session, bytesOf(mark), startedAt, reached));
  },

  requeue: ({ step: { b }, jobId, session = "", now, cause }) =>
    both((target) => target.requeue(jobId, session, now, b % 2 === 0 ? cause : undefined)),

  complete: ({ step: { b }, jobId, session, now, mark, cause }) => {
    const actionResult = b % 2 === 0 ? bytesOf(`result ${mark}`) : undefined;
    const end = { outcome: outcome({ exitCode: b, response: mark }), startedAt: b === 3 ? now : undefined };
    const why = session === undefined ? { cause } : {};
    return both((target) => target.complete({ jobId, session, now, actionResult, ...end, ...why }));
  },

  cancel: ({ step: { b }, operation, now, mark, cause }) =>
    both((target) => target.cancelOperation(operation, cancelled(mark), now, b % 2 === 0 ? cause : undefined)),
  kill: ({ operation, now, mark, cause }) => both((target) => target.killJob(operation, cancelled(mark), now, cause)),
  delete: ({ operation }) => both((target) => target.deleteOperation(operation)),
  poll: ({ operation }) => both((target) => target.markPolled(operation)),

  prune: ({ step: { a, b }, now }) => {
    const [instance, before, limit] = [INSTANCES[a % 4 === 3 ? 1 : 0], now - (a % 8), 1 + b];
    return {
      run: (store) => store.pruneOperations(instance, before, limit),
      replay: (model, { answer, gone, alone }) => {
        const expected = model.pruneOperations(instance, before, limit, gone);
        return alone ? expected : Math.min(expected, answer as number);
      },
    };
  },

  putSession: ({ step: { a, b }, session: name = "", now }) => {
    const offer = { parent: INSTANCES[a % 2] ?? "*", status: 1 + (a % 2), capacity: 1 + (b % 2), version: b };
    const record = session({ name, botId: name, ...offer, expiresAt: now + a, updatedAt: now });
    return both((target) => target.putSession(record));
  },
  deleteSession: ({ session: name = "" }) => both((target) => target.deleteSession(name)),

  putResult: ({ step: { a, b }, mark, now }) => {
    const [instance, action] = [INSTANCES[a % 2] ?? "a", ACTIONS[b % 3] ?? assert.fail()];
    return both((target) => target.putActionResult(instance, action, bytesOf(mark), now));
  },
  deleteResult: ({ step: { a, b } }) =>
    both((target) => target.deleteActionResult(INSTANCES[a % 2] ?? "a", ACTIONS[b % 3] ?? assert.fail())),
};

function cancelled(mark: string) {
  return { ...outcome({ statusCode: 1, response: mark }), exitCode: undefined };
}

function causeOf({ a, c }: Step): Cause {
  const identity = c === 1 ? { actor: "ci", subject: "alice", workflow: "nightly" } : undefined;
  return { by: a % 2 === 0 ? "client" : "server", identity, reason: `reason ${a}` };
}

function isPlatformOf(job: JobRecord, { instance, properties }: PlatformRecord): boolean {
  return job.instance === instance && job.platform[0]?.value === properties[0]?.value;
}

function recent<T>(from: readonly T[], number: number): T | undefined {
  return from.at(-1 - (number % Math.max(1, from.length)));
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}
