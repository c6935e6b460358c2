import type { Clock, Timer } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";

/** What a clock of the database needs. */
export interface DatabaseClockOptions {
  /** The machine's: its timers are used, and its monotonic time goes on between measurements. */
  readonly clock: Clock;
  readonly log: Logger;
  /** Asks the database for its time, in milliseconds since the Unix epoch. */
  readonly ask: () => Promise<number>;
}

/** A machine's clock drifts by some seconds a day at most. */
const EVERY_MS = 5000;

/** The first question opens a connection; the shortest of a few round trips tells most. */
const FIRST_SAMPLES = 3;

/** What took longer is worth nothing, unless nothing else is known. */
const LONGEST_ROUND_TRIP_MS = 2000;

/** From here on the operator hears of it. */
const NOTABLE_MS = 1000;

/**
 * The database's time in this process, so that all processes on one database have the same, whatever their own clocks say.
 * An answer proves that the database's time lay within half a round trip of the middle of it: the clock moves only as far
 * as that proves it wrong. Between answers, and while the database is away, the monotonic time of the process carries it on.
 */
export class DatabaseClock implements Clock, Disposable {
  readonly #options: DatabaseClockOptions;
  /** The database's time at 0 of the monotonic one; undefined until the first answer. */
  #origin: number | undefined;
  #measuring: Promise<void> | undefined;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: DatabaseClockOptions) {
    this.#options = options;
  }

  /** Measures for the first time; rejects when the database does not answer. To be called before the time is asked for. */
  async start(): Promise<void> {
    for (let sample = 0; sample < FIRST_SAMPLES; sample++) await this.#sample();
    this.#tellSkew();
    this.#schedule();
  }

  now(): number {
    if (this.#origin === undefined) throw new Error("the clock of the database was not started");
    return Math.floor(this.#origin + this.monotonic());
  }

  monotonic(): number {
    return this.#options.clock.monotonic();
  }

  after(delayMs: number, callback: () => void): Timer {
    return this.#options.clock.after(delayMs, callback);
  }

  /** Measures again, as after a reconnect, which may lead to another server. Never rejects: the clock goes on as it was. */
  measure(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#measuring ??= this.#sample()
      .catch((err: unknown) => this.#options.log.debug({ err }, "cannot ask the database for its time"))
      .finally(() => {
        this.#measuring = undefined;
      });
    return this.#measuring;
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#timer = this.after(EVERY_MS, () => void this.measure().then(() => this.#schedule()));
  }

  async #sample(): Promise<void> {
    const askedAt = this.monotonic();
    const time = await this.#options.ask();
    const answeredAt = this.monotonic();
    this.#take(time - (askedAt + answeredAt) / 2, (answeredAt - askedAt) / 2);
  }

  #take(middle: number, doubt: number): void {
    const before = this.#origin;
    if (before === undefined) this.#origin = middle;
    else if (doubt <= LONGEST_ROUND_TRIP_MS / 2)
      this.#origin = Math.min(Math.max(before, middle - doubt), middle + doubt);
    const movedMs = Math.round((this.#origin ?? 0) - (before ?? middle));
    if (Math.abs(movedMs) < NOTABLE_MS) return;
    this.#options.log.warn({ movedMs }, "the database's clock was moved, or this machine slept");
  }

  #tellSkew(): void {
    const { clock, log } = this.#options;
    const aheadMs = clock.now() - this.now();
    if (Math.abs(aheadMs) < NOTABLE_MS) return;
    log.warn({ aheadMs }, "this machine's clock is not the database's, which decides");
  }
}
