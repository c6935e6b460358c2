import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { type JobRecord, type OperationRecord, Stage } from "../../src/operations/operations.ts";
import {
  type CancelResult,
  type JobEvent,
  JobEventKind,
  type OperationKey,
  type PlatformRecord,
  type Store,
} from "../../src/store/store.ts";
import { START } from "./farm.ts";
import { type Call, callOf, type Step, type World } from "./store-steps.ts";
import { Follower, toldOf } from "./store-view.ts";
import { until } from "./until.ts";

/** Operations that may not change any more, as one onlooker saw them. */
type Terminal = Map<string, unknown>;

/** A call and its answer. */
interface Done {
  readonly call: Call;
  readonly answer: unknown;
}

/** Many who use stores on one database at once, each at its own pace, and what each of them did. */
export class Crowd implements World {
  readonly platforms: readonly PlatformRecord[];
  readonly operations: OperationKey[] = [];
  readonly jobs: string[] = [];
  readonly #stores: readonly [Store, ...Store[]];
  readonly #holders = new Map<string, string>();
  readonly #done: Done[] = [];
  #now = START;

  constructor(stores: readonly [Store, ...Store[]], platforms: readonly PlatformRecord[]) {
    this.#stores = stores;
    this.platforms = platforms;
  }

  holder(jobId: string): string | undefined {
    return this.#holders.get(jobId);
  }

  now(): number {
    this.#now += 1;
    return this.#now;
  }

  /** Lets each take its steps while others look on, and then checks what came of it. */
  async run(all: readonly (readonly Step[])[]): Promise<void> {
    const followers = await Promise.all(this.#stores.map((store) => Follower.from(store)));
    let ended = false;
    const takers = all.map((steps, i) => this.#take(steps, this.#stores[i % this.#stores.length] ?? this.#stores[0]));
    const taking = Promise.all(takers).finally(() => {
      ended = true;
    });
    const onlookers = this.#stores.map(async (store, i) => {
      const terminal: Terminal = new Map();
      while (!ended) {
        await this.#look(store, terminal);
        await followers[i]?.read(1 + i);
        // Some stores answer within one turn, and others want to have theirs.
        await setImmediate();
      }
      await this.#look(store, terminal);
    });
    await Promise.all([taking, ...onlookers]);
    await this.#checkTransitions();
    await this.#checkFollowers(followers);
  }

  async #take(steps: readonly Step[], store: Store): Promise<void> {
    for (const step of steps) {
      const call = callOf(step, this);
      const answer = await call.run(store);
      this.#done.push({ call, answer });
      if (call.kind === "claim") for (const job of answer as JobRecord[]) this.#holders.set(job.id, call.session ?? "");
      if (call.kind !== "submit") continue;
      const { operation } = answer as { operation: OperationRecord };
      this.operations.push(operation);
      if (!this.jobs.includes(operation.job.id)) this.jobs.push(operation.job.id);
    }
  }

  /** Whatever is read is sound at that time. */
  async #look(store: Store, terminal: Terminal): Promise<void> {
    const keys = this.operations.slice(-20);
    const [operations, live] = await Promise.all([
      Promise.all(keys.map((key) => store.getOperation(key))),
      store.liveJobs(undefined),
    ]);
    for (const job of live) assertSoundJob(job);
    const actions = live
      .filter(({ cacheable }) => cacheable)
      .map(({ instance, action }) => `${instance} ${action.hash}`);
    assert.equal(new Set(actions).size, actions.length, "there is one live cacheable job of an action");
    for (const operation of operations) if (operation) this.#lookAt(operation, terminal);
  }

  #lookAt(operation: OperationRecord, terminal: Terminal): void {
    const { id, stage, cancelled, completedAt, job } = operation;
    assertSoundJob(job);
    assert.equal(
      stage,
      cancelled ? Stage.COMPLETED : job.stage,
      "an operation is at the stage of its job, or cancelled",
    );
    assert.equal(stage === Stage.COMPLETED, completedAt !== undefined);
    const before = terminal.get(id);
    if (before) assert.deepEqual(toldOf(operation), before, "what has ended does not change");
    else if (stage === Stage.COMPLETED) terminal.set(id, toldOf(operation));
  }

  async #checkTransitions(): Promise<void> {
    const leases = this.#answers("claim").flatMap(({ answer }) => answer as JobRecord[]);
    const attempts = leases.map(({ id, attempts }) => `${id} ${attempts}`);
    assert.equal(new Set(attempts).size, attempts.length, "each attempt of a job is one session's");
    const deleted = this.#answers("delete").filter(({ answer }) => answer !== undefined);
    assert.equal(new Set(deleted.map(({ call }) => call.subject)).size, deleted.length, "an operation is deleted once");
    const pruned = this.#answers("prune").reduce((sum, { answer }) => sum + (answer as number), 0);
    const left = (await Promise.all(this.operations.map((key) => this.#stores[0].getOperation(key)))).filter(
      (o) => !!o,
    );
    assert.equal(left.length, this.operations.length - deleted.length - pruned, "what is gone was deleted or pruned");
    const born = this.#answers("submit").filter(({ answer }) => !(answer as { merged: boolean }).merged);
    assert.equal(born.length, this.jobs.length, "each job was brought by one submission");
    for (const id of this.jobs)
      await this.#checkJob(
        id,
        leases.filter((lease) => lease.id === id),
      );
    for (const operation of left) this.#checkCancellation(operation);
  }

  /** Of all who wanted to end a job one did, and what its history tells is what the callers were told. */
  async #checkJob(id: string, leases: readonly JobRecord[]): Promise<void> {
    const ends = this.#done.filter((done) => endedJob(done) === id);
    assert.ok(ends.length <= 1, "a job ends once");
    const [store] = this.#stores;
    const [job, history] = await Promise.all([store.getJob(id), store.history(id)]);
    if (!job) return;
    const count = (kind: JobEvent["kind"]) => history.filter((event) => event.kind === kind).length;
    const won = (kind: Call["kind"]) =>
      this.#answers(kind).filter(({ call, answer }) => call.subject === id && answer === true);
    assertPath(history, job);
    assert.equal(job.attempts, leases.length, "as many attempts as leases");
    assert.equal(count(JobEventKind.ASSIGNMENT), leases.length);
    assert.equal(count(JobEventKind.RETRY), won("requeue").length, "a lease is taken back once");
    const [end] = ends;
    if (!end) return;
    assert.equal(job.stage, Stage.COMPLETED, "what was ended is");
    assert.equal(Buffer.from(job.outcome?.response ?? []).toString(), end.call.mark, "the outcome is the winner's");
    if (end.call.kind === "complete" && end.call.session !== undefined) assert.equal(job.worker, end.call.session);
  }

  #checkCancellation({ id, cancelled, job }: OperationRecord): void {
    const cancels = this.#answers("cancel").filter(({ call, answer }) => call.subject === id && isCancelled(answer));
    const killed = this.#answers("kill").some((done) => endedJob(done) === job.id);
    assert.ok(cancels.length <= 1, "an operation is cancelled once");
    assert.equal(cancelled, cancels.length === 1 || killed, "who was told that it cancelled did, and nobody else");
  }

  async #checkFollowers(followers: readonly Follower[]): Promise<void> {
    const truth = await Promise.all(
      this.operations.map(async (key) => [key.id, toldOf(await this.#stores[0].getOperation(key))] as const),
    );
    const known = (follower: Follower) => truth.map(([id]) => [id, toldOf(follower.told.get(id))]);
    for (const follower of followers) {
      const isDone = async () => {
        while (await follower.read(5));
        return truth.every(([id]) => follower.told.has(id));
      };
      await until(isDone, "all changes to be told");
      assert.deepEqual(known(follower), truth, "who follows the changes ends with the truth");
    }
  }

  #answers(kind: Call["kind"]): Done[] {
    return this.#done.filter(({ call }) => call.kind === kind);
  }
}

function assertSoundJob({ stage, session, outcome, completedAt, attempts, assignedAt }: JobRecord): void {
  assert.equal(stage === Stage.EXECUTING, session !== undefined, "a job has a session while it executes");
  assert.equal(stage === Stage.COMPLETED, outcome !== undefined, "a job has an outcome when it has ended");
  assert.equal(stage === Stage.COMPLETED, completedAt !== undefined);
  assert.equal(attempts > 0, assignedAt !== undefined);
}

/** Queued, leased, queued again, as often as need be, and nothing but news of operations after the end. */
function assertPath(history: readonly JobEvent[], job: JobRecord): void {
  let stage: Stage = Stage.QUEUED;
  let attempt = 0;
  for (const { kind, facts } of history) {
    if (kind === JobEventKind.CREATION || kind === JobEventKind.NEW_OPERATION) continue;
    assert.notEqual(stage, Stage.COMPLETED, "nothing happens to what has ended");
    if (kind === JobEventKind.ASSIGNMENT) {
      assert.equal(stage, Stage.QUEUED);
      attempt += 1;
      assert.equal(facts.attempt, attempt);
      stage = Stage.EXECUTING;
    } else if (kind === JobEventKind.RETRY || kind === JobEventKind.PROGRESS_UPDATE) {
      assert.equal(stage, Stage.EXECUTING);
      if (kind === JobEventKind.RETRY) stage = Stage.QUEUED;
    } else if (kind === JobEventKind.COMPLETION || kind === JobEventKind.CANCELLATION) stage = Stage.COMPLETED;
  }
  assert.equal(job.stage, stage, "a job is where its history leads");
}

function isCancelled(answer: unknown): boolean {
  return (answer as CancelResult).kind === "cancelled";
}

/** The job that a call ended. */
function endedJob({ call, answer }: Done): string | undefined {
  if (call.kind === "complete") return answer === true ? call.subject : undefined;
  if (call.kind !== "cancel" && call.kind !== "kill") return undefined;
  const result = answer as CancelResult;
  return result.kind === "cancelled" && result.jobEnded ? result.jobId : undefined;
}
