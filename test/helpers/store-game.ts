import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type { OperationKey, PlatformRecord, Store } from "../../src/store/store.ts";
import { outcome, START } from "./farm.ts";
import { StoreModel } from "./store-model.ts";
import { type Call, type Choices, callOf, INSTANCES, type Step, type World } from "./store-steps.ts";
import { Follower, quickView, quickViewOf, toldOf, wholeView, wholeViewOf } from "./store-view.ts";
import { until } from "./until.ts";

const WHOLE_VIEW_EVERY = 8;
/** Of what is gone the latest are still asked for. */
const FORMER = 4;

/** A store and the model of it, to which the same happens. */
export class Game implements World {
  readonly platforms: readonly PlatformRecord[];
  operations: OperationKey[] = [];
  jobs: string[] = [];
  readonly #stores: readonly [Store, ...Store[]];
  readonly #swift: Follower;
  readonly #slow: Follower[] = [];
  #model = new StoreModel();
  #now = START;
  #rounds = 0;

  private constructor(stores: readonly [Store, ...Store[]], platforms: readonly PlatformRecord[], swift: Follower) {
    this.#stores = stores;
    this.platforms = platforms;
    this.#swift = swift;
  }

  /** Plays in stores on one database, which has nothing but platforms. */
  static async begin(stores: readonly [Store, ...Store[]], platforms: readonly PlatformRecord[]): Promise<Game> {
    const swift = await Follower.from(stores[0]);
    // Former changes may have been hidden at that time.
    while (await swift.read(100));
    swift.forget();
    return new Game(stores, platforms, swift);
  }

  holder(jobId: string): string | undefined {
    return this.#model.jobs.get(jobId)?.session;
  }

  now(): number {
    // Things happen at one time, too.
    this.#now += this.#rounds % 3;
    return this.#now;
  }

  /** Takes steps at once, and finds an order in which the model answers the same and ends in the same state. */
  async play(steps: readonly Step[]): Promise<void> {
    const calls = steps.map((step) => callOf(step, this));
    const pending = calls.map((call, i) => call.run(this.#stores[i % this.#stores.length] ?? this.#stores[0]));
    const answers = await Promise.all(pending);
    for (const [i, call] of calls.entries()) if (call.kind === "submit") this.#noteSubmission(answers[i]);
    const view = await quickView(this.#stores[0], this);
    const happened = { calls, answers, gone: this.#gone(calls, answers, view.records), view };
    this.#model = calls.length === 1 ? this.#check(happened) : this.#explain(happened);
    this.jobs = this.jobs.filter((id, i) => i >= this.jobs.length - FORMER || this.#model.jobs.has(id));
    await this.#follow();
    this.operations = this.operations.filter(
      ({ id }, i) => i >= this.operations.length - FORMER || this.#model.handles.has(id),
    );
    this.#rounds += 1;
    if (this.#rounds % WHOLE_VIEW_EVERY === 0) await this.#checkWhole();
  }

  /** Looks at everything once more. */
  async end(): Promise<void> {
    await this.#checkWhole();
    for (const follower of this.#slow) {
      while (await follower.read(2));
      await this.#checkFollower(follower);
    }
  }

  #noteSubmission(answer: unknown): void {
    const { operation } = answer as Awaited<ReturnType<Store["submit"]>>;
    this.operations.push({ instance: operation.instance, id: operation.id });
    if (!this.jobs.includes(operation.job.id)) this.jobs.push(operation.job.id);
  }

  /** Those that the store has no more, though nobody who said so deleted them. */
  #gone(calls: readonly Call[], answers: readonly unknown[], records: readonly unknown[]): Set<string> {
    const isDeletion = (id: string) => (call: Call, i: number) =>
      call.kind === "delete" && call.subject === id && answers[i] !== undefined;
    const missing = this.operations.filter((_, i) => records[i] === undefined);
    return new Set(missing.map(({ id }) => id).filter((id) => !calls.some(isDeletion(id))));
  }

  #replay({ calls, answers, gone }: Happened, order: readonly number[]) {
    const model = this.#model.clone();
    model.changed = [];
    const alone = calls.length === 1;
    const expected: unknown[] = [];
    for (const i of order) expected[i] = calls[i]?.replay(model, { answer: answers[i], gone, alone } satisfies Choices);
    return { model, expected };
  }

  #check(happened: Happened): StoreModel {
    const { model, expected } = this.#replay(happened, [0]);
    const kind = happened.calls[0]?.kind;
    assert.deepEqual(happened.answers, expected, `${kind} answers as the model does`);
    assert.deepEqual(happened.view, quickViewOf(model, this), `the state after ${kind} is that of the model`);
    return model;
  }

  #explain(happened: Happened): StoreModel {
    const tried: unknown[] = [];
    for (const order of orders(happened.calls.length)) {
      try {
        const { model, expected } = this.#replay(happened, order);
        const view = quickViewOf(model, this);
        if (isDeepStrictEqual([happened.answers, happened.view], [expected, view])) return model;
        tried.push({ order, expected });
      } catch (error) {
        tried.push({ order, error });
      }
    }
    const kinds = happened.calls.map(({ kind, subject, session }) => ({ kind, subject, session }));
    assert.deepEqual(
      { kinds, answers: happened.answers },
      tried,
      "no order of the calls explains the answers and the state",
    );
    throw new Error("unreachable");
  }

  async #checkWhole(): Promise<void> {
    const view = await wholeView(this.#stores[0], this, this.#now);
    assert.deepEqual(view, wholeViewOf(this.#model, this, this.#now), "the whole state is that of the model");
  }

  /** One reads all at once, the others a little now and then. */
  async #follow(): Promise<void> {
    const changed = new Set(this.#model.changed);
    for (const follower of [this.#swift, ...this.#slow]) for (const id of changed) follower.expected.add(id);
    await this.#checkFollower(this.#swift);
    this.#swift.forget();
    for (const [i, follower] of this.#slow.entries()) if ((this.#rounds + i) % 3 === 0) await follower.read(1 + i);
    if (this.#rounds % 12 === 5) this.#slow.push(await Follower.from(this.#stores.at(-1) ?? this.#stores[0]));
  }

  /** What was told is what changed, and is the truth. PostgreSQL hides a change while an earlier transaction goes on. */
  async #checkFollower(follower: Follower): Promise<void> {
    const told = (ids: Iterable<string>) => [...ids].map((id) => toldOf(follower.told.get(id)));
    const truth = [...follower.expected].map((id) => toldOf(this.#record(id)));
    const hasAll = async () => {
      while (await follower.read(3));
      return (
        [...follower.expected].every((id) => follower.told.has(id)) && isDeepStrictEqual(told(follower.expected), truth)
      );
    };
    if (!(await hasAll()) && this.#stores[0].shared) await until(hasAll, "all to be told", 2000).catch(() => {});
    assert.deepEqual(told(follower.expected), truth, "who follows the changes knows the truth");
    const others = [...follower.told.keys()].filter((id) => !follower.expected.has(id));
    assert.deepEqual(others, [], "what has not changed is not told");
  }

  #record(id: string) {
    const handle = this.#model.handles.get(id);
    return handle && this.#model.getOperation(handle);
  }
}

interface Happened {
  readonly calls: readonly Call[];
  readonly answers: readonly unknown[];
  readonly gone: ReadonlySet<string>;
  readonly view: Awaited<ReturnType<typeof quickView>>;
}

/** All orders of so many things. */
function orders(count: number): number[][] {
  if (count === 0) return [[]];
  return orders(count - 1).flatMap((order) =>
    Array.from({ length: count }, (_, place) => order.toSpliced(place, 0, count - 1)),
  );
}

/** Ends and forgets all that there is, and makes sure of it. */
export async function empty(store: Store): Promise<void> {
  const end = { session: undefined, outcome: outcome(), actionResult: undefined, startedAt: undefined, now: START };
  for (const { id } of await store.liveJobs(undefined)) await store.complete({ ...end, jobId: id });
  for (const instance of INSTANCES) {
    await store.pruneOperations(instance, Number.MAX_SAFE_INTEGER, 10_000);
    await store.pruneActionResults(instance, 0);
  }
  for (const { name } of await store.sessions(undefined)) await store.deleteSession(name);
  const left = [await store.liveJobs(undefined), await store.liveOperations(), await store.sessions(undefined)];
  assert.deepEqual(left, [[], [], []], "all can be ended and forgotten");
}
