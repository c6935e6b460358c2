import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { encodeBinaryHeader } from "@connectrpc/connect";
import {
  ActionResultSchema,
  type ExecutedActionMetadata,
  ExecutedActionMetadataSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { type Lease, LeaseSchema, LeaseState } from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import type { Clock } from "../base/clock.ts";
import { Code } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Attempt, Executor } from "./executor.ts";
import { statusOf, statusWith } from "./status.ts";

/** One lease that this bot has. */
interface Held {
  readonly id: string;
  readonly abort: AbortController;
  /** Set when it is done; it is then reported until the server takes it off the list. */
  attempt: Attempt | undefined;
  progress: ExecutedActionMetadata | undefined;
  toldProgress: ExecutedActionMetadata | undefined;
}

/** What one request tells the server. */
export interface Report {
  readonly leases: readonly Lease[];
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** To be given back with the answer. */
  readonly held: readonly Held[];
}

interface Deps {
  readonly executor: Executor;
  readonly capacity: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called when a lease is done and waits to be reported. */
  readonly onDone: () => void;
}

/**
 * The leases of one bot, kept equal to what the server lists.
 *
 *   listed, unknown        -> it is begun; refused (UNAVAILABLE) when there is no room or the bot is leaving
 *   listed, running        -> it goes on, also in a new session
 *   done                   -> reported as COMPLETED in each request until it is not listed any more
 *   listed as not COMPLETED in the answer to such a request -> a new attempt at the same job: begun again
 *   not listed             -> forgotten; if it runs, it is killed and nothing is reported
 *
 * The server takes a lease off its list when it is done, cancelled, or given to another bot.
 */
export class Leases {
  readonly #deps: Deps;
  readonly #held = new Map<string, Held>();
  readonly #ending = new Set<Promise<void>>();
  #lastDoneAt = 0;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Leases that run or wait to be reported. */
  get size(): number {
    return this.#held.size;
  }

  /** Leases that run. */
  get running(): number {
    return [...this.#held.values()].filter((held) => !held.attempt).length;
  }

  /** When a lease was done last, in milliseconds since the epoch; 0 for never. */
  get lastDoneAt(): number {
    return this.#lastDoneAt;
  }

  /** The state to tell now. */
  report(): Report {
    const held = [...this.#held.values()].map((one) => ({ ...one }));
    return { leases: held.map(leaseOf), headers: held.flatMap(progressHeader), held };
  }

  /** Takes over what the server lists in its answer to `report`, undefined for the answer to a new session. */
  apply(listed: readonly Lease[], report: Report | undefined, accepting: boolean): void {
    const wanted = new Map(
      listed.filter((lease) => lease.state !== LeaseState.CANCELLED).map((lease) => [lease.id, lease]),
    );
    for (const told of report?.held ?? []) this.#settleReported(told, wanted);
    for (const held of [...this.#held.values()]) if (!wanted.has(held.id)) this.#drop(held);
    for (const lease of wanted.values()) {
      if (this.#held.has(lease.id) || lease.state === LeaseState.COMPLETED) continue;
      if (accepting && this.#held.size < this.#deps.capacity) this.#begin(lease);
      else this.#refuse(lease, accepting ? "the bot has no room" : "the bot is leaving");
    }
  }

  /** Kills what runs and has it reported as UNAVAILABLE, so that the server gives it to somebody else. */
  interrupt(): void {
    for (const held of this.#held.values()) if (!held.attempt) held.abort.abort(new Interruption());
  }

  /** Kills what runs and forgets all; resolves when nothing runs any more. */
  async abandon(): Promise<void> {
    for (const held of [...this.#held.values()]) this.#drop(held);
    while (this.#ending.size > 0) await Promise.all(this.#ending);
  }

  #settleReported(told: Held, wanted: Map<string, Lease>): void {
    const held = this.#held.get(told.id);
    if (!held || held.abort !== told.abort) return;
    held.toldProgress = told.progress;
    if (told.attempt) this.#held.delete(told.id);
    if (told.attempt && wanted.get(told.id)?.state === LeaseState.COMPLETED) wanted.delete(told.id);
  }

  #drop(held: Held): void {
    this.#held.delete(held.id);
    if (held.attempt) return;
    this.#deps.log.info({ lease: held.id }, "lease taken back");
    held.abort.abort(new Error("the lease was taken back"));
  }

  #refuse(lease: Lease, reason: string): void {
    const attempt = { status: statusWith(Code.Unavailable, reason) };
    this.#held.set(lease.id, { ...newHeld(lease), attempt });
    this.#done();
  }

  #begin(lease: Lease): void {
    const held = newHeld(lease);
    this.#held.set(lease.id, held);
    this.#deps.log.info({ lease: lease.id }, "lease begun");
    const ending = this.#work(lease, held);
    this.#ending.add(ending);
    void ending.then(() => this.#ending.delete(ending));
  }

  async #work(lease: Lease, held: Held): Promise<void> {
    const { executor, clock, log } = this.#deps;
    const startedAt = clock.now();
    const onProgress = (metadata: ExecutedActionMetadata) => {
      held.progress = metadata;
    };
    const attempt = await executor.execute(lease, onProgress, held.abort.signal).catch((error) => ({
      status: error instanceof Interruption ? statusWith(Code.Unavailable, error.message) : statusOf(error),
    }));
    if (this.#held.get(held.id) !== held) return;
    held.attempt = attempt;
    const { code, message } = attempt.status;
    const exitCode = "result" in attempt ? attempt.result?.exitCode : undefined;
    log.info({ lease: held.id, code, message, exitCode, ms: clock.now() - startedAt }, "lease done");
    this.#done();
  }

  #done(): void {
    this.#lastDoneAt = this.#deps.clock.now();
    this.#deps.onDone();
  }
}

/** Why a lease was killed that the server still wants done. */
class Interruption extends Error {
  constructor() {
    super("the bot was stopped before the action was done");
  }
}

function newHeld(lease: Lease): Held {
  const abort = new AbortController();
  return { id: lease.id, abort, attempt: undefined, progress: undefined, toldProgress: undefined };
}

function leaseOf({ id, attempt }: Held): Lease {
  if (!attempt) return create(LeaseSchema, { id, state: LeaseState.ACTIVE });
  const result = attempt.result && anyPack(ActionResultSchema, attempt.result);
  return create(LeaseSchema, { id, state: LeaseState.COMPLETED, status: attempt.status, ...(result && { result }) });
}

function progressHeader({ id, attempt, progress, toldProgress }: Held): [string, string][] {
  if (attempt || !progress || progress === toldProgress || !/^[\w.-]+$/.test(id)) return [];
  const bytes = toBinary(ExecutedActionMetadataSchema, progress);
  return [[`partial-execution-metadata-${id}-bin`, encodeBinaryHeader(bytes)]];
}
