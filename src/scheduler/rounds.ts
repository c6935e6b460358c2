import type { Clock, Timer } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { SharedStore } from "../store/store.ts";

/** Work that is done now and then, by one process at a time. */
export interface Duty {
  /** What the log says when it fails. */
  readonly failure: string;
  /** From the end of one run to the next, give or take half a beat; also from the start to the first. */
  readonly everyMs: number;
  run(turn: Turn): Promise<void>;
}

/** What a duty may ask while it is done. */
export interface Turn {
  /** Aborted when this process ends. */
  readonly signal: AbortSignal;
  /** Whether another step is this process's to take: no more at its end, or when another process took over. */
  isMine(): boolean;
  /** For how long nothing that needs the store has failed here, or taken very long. */
  usableForMs(): number;
}

interface Work {
  readonly duty: Duty;
  dueAt: number;
  running: Promise<void> | undefined;
}

/** How often each process of several asks whether the duties are its own. */
const BEAT_MS = 2000;

/** How long an answer holds: another process takes over a beat after that at the latest. */
const HOLD_MS = BEAT_MS + 1000;

/**
 * Does duties when they are due. Of several processes on one store one has all of them, by a claim that it renews with
 * each beat, whatever the duties do meanwhile. What is overdue when another takes over is done at once. Two processes can
 * overlap when the store is slow to answer, which each step of a duty has to bear.
 */
export class Rounds {
  readonly #shared: SharedStore | undefined;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #beatMs: number;
  readonly #works: readonly Work[];
  readonly #stopping = new AbortController();
  readonly #turn: Turn;
  #isMine = false;
  #isAway = false;
  #usableSince: number;
  #beating: Promise<void> = Promise.resolve();
  #timer: Timer;

  constructor(deps: { shared: SharedStore | undefined; clock: Clock; log: Logger; duties: readonly Duty[] }) {
    const { shared, clock, log, duties } = deps;
    this.#shared = shared;
    this.#clock = clock;
    this.#log = log;
    this.#usableSince = clock.monotonic();
    this.#beatMs = Math.min(shared ? BEAT_MS : Number.POSITIVE_INFINITY, ...duties.map(({ everyMs }) => everyMs));
    this.#works = duties.map((duty) => ({ duty, dueAt: clock.monotonic() + duty.everyMs, running: undefined }));
    this.#turn = {
      signal: this.#stopping.signal,
      isMine: () => this.#isMine && !this.#stopping.signal.aborted,
      usableForMs: () => clock.monotonic() - this.#usableSince,
    };
    this.#timer = this.#schedule();
  }

  /** Begins nothing more; resolves when what is being done has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#timer.cancel();
    await this.#beating;
    await Promise.all(this.#works.map(({ running }) => running));
  }

  #schedule(): Timer {
    return this.#clock.after(this.#beatMs, () => {
      this.#beating = this.#beat().then(() => {
        if (!this.#stopping.signal.aborted) this.#timer = this.#schedule();
      });
    });
  }

  async #beat(): Promise<void> {
    this.#isMine = await this.#claim();
    if (!this.#turn.isMine()) return;
    const now = this.#clock.monotonic() + this.#beatMs / 2;
    for (const work of this.#works) if (!work.running && now >= work.dueAt) this.#start(work);
  }

  async #claim(): Promise<boolean> {
    const from = this.#clock.monotonic();
    try {
      const isMine = (await this.#shared?.holdDuty("duties", HOLD_MS)) ?? true;
      this.#isAway = false;
      // So slow a store is as good as none: bots could not be heard either.
      if (this.#clock.monotonic() - from > HOLD_MS) this.#usableSince = this.#clock.monotonic();
      return isMine;
    } catch (err) {
      if (!this.#isAway) this.#log.warn({ err }, "cannot ask whose the periodic duties are");
      this.#isAway = true;
      this.#usableSince = this.#clock.monotonic();
      return false;
    }
  }

  #start(work: Work): void {
    work.running = this.#run(work).finally(() => {
      work.running = undefined;
    });
  }

  async #run(work: Work): Promise<void> {
    try {
      await work.duty.run(this.#turn);
    } catch (err) {
      this.#usableSince = this.#clock.monotonic();
      this.#log.error({ err }, work.duty.failure);
    }
    work.dueAt = this.#clock.monotonic() + work.duty.everyMs;
  }
}
