import { createClient, type Transport } from "@connectrpc/connect";
import { type BotSession, BotStatus, Bots } from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { Code, StatusError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Leases } from "./leases.ts";
import { backoffMs } from "./retry.ts";
import { errorText } from "./status.ts";
import { type Bell, pause } from "./waiting.ts";

const CREATE_TIMEOUT_MS = 10_000;
const BUSY_TIMEOUT_MS = 30_000;
const FAREWELL_TIMEOUT_MS = 5_000;
const REPORT_WHEN_STOPPED_MS = 10_000;
const REPORT_WHEN_ORPHANED_MS = 60_000;

/** What a session needs. */
export interface SessionDeps {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Logger;
  readonly leases: Leases;
  /** Rung when a lease is done. */
  readonly bell: Bell;
  /** What the bot says of itself, beside status and leases. */
  readonly self: Pick<BotSession, "botId" | "version" | "worker">;
  readonly instance: string;
  /** How often a bot with leases calls. */
  readonly pollMs: number;
  /** How long the call of a bot without leases may be held open. */
  readonly idleMs: number;
  /** How long leases may run on after `stop`. */
  readonly graceMs: number;
  readonly stop: AbortSignal;
  readonly orphaned: AbortSignal;
}

/**
 * Keeps a bot in touch with its server until it is told to leave.
 *
 *   no session --create--> in session --update, update ...--> leaving --update until nothing is left--> gone
 *
 * - In session, a failed update is tried again with the same session, for as long as it takes: sessions survive a restart
 *   of the server, and what runs goes on meanwhile. Only an answer that says that the session is lost leads back to
 *   `create`; what the server does not list then is killed.
 * - `stop`: no new leases; what runs may finish within the grace time, is then killed, and all of it is reported.
 * - `orphaned` (the process that started the bot is gone): the same without a limit for what runs, and with more patience
 *   for a server that comes back.
 * - A server that refuses to open a session is a mistake in the configuration: `run` rejects with its error.
 */
export class Session {
  readonly #deps: SessionDeps;
  readonly #client;
  readonly #leave = new AbortController();
  #leftAt = 0;
  #grace: Timer | undefined;
  #name: string | undefined;
  #version: string;
  #failures = 0;
  /** The server knows that the bot is gone. */
  #closed = false;

  constructor(deps: SessionDeps) {
    this.#deps = deps;
    this.#client = createClient(Bots, deps.transport);
    this.#version = deps.self.version;
  }

  /** Resolves when the bot has left. */
  async run(): Promise<void> {
    const { stop, orphaned, leases, log } = this.#deps;
    const unhook = [onAbort(stop, () => this.#stop()), onAbort(orphaned, () => this.#depart())];
    try {
      while (!this.#isOver()) await this.#turn();
      if (leases.size > 0) log.warn({ leases: leases.size }, "the server was not told of leases that are done");
      await this.#farewell();
    } finally {
      this.#grace?.cancel();
      for (const off of unhook) off();
    }
  }

  #stop(): void {
    const { clock, graceMs, leases } = this.#deps;
    this.#grace = clock.after(graceMs, () => leases.interrupt());
    this.#depart();
  }

  #depart(): void {
    if (this.#leaving) return;
    this.#leftAt = this.#deps.clock.now();
    this.#leave.abort();
    this.#deps.bell.ring();
  }

  get #leaving(): boolean {
    return this.#leave.signal.aborted;
  }

  #isOver(): boolean {
    const { leases, clock, stop } = this.#deps;
    if (!this.#leaving || leases.running > 0) return false;
    const patience = stop.aborted ? REPORT_WHEN_STOPPED_MS : REPORT_WHEN_ORPHANED_MS;
    return leases.size === 0 || clock.now() - Math.max(leases.lastDoneAt, this.#leftAt) > patience;
  }

  /** One exchange with the server, and the pause after it. */
  async #turn(): Promise<void> {
    const { clock, bell, leases, pollMs } = this.#deps;
    const startedAt = clock.now();
    const wasLeaving = this.#leaving;
    const wasIdle = this.#name !== undefined && leases.size === 0;
    try {
      await (this.#name === undefined ? this.#create() : this.#update(this.#name));
      this.#succeeded();
    } catch (error) {
      // A call of an idle bot is called off when it is told to leave.
      return this.#leaving && !wasLeaving ? undefined : this.#failed(error);
    }
    // A server that does not hold calls open must not be asked without pause.
    if (leases.size > 0) await bell.sleep(pollMs);
    else if (wasIdle) await pause(clock, pollMs - (clock.now() - startedAt), this.#leave.signal);
  }

  async #create(): Promise<void> {
    const { instance, leases, log } = this.#deps;
    // Not called off when the bot is told to leave: a lease in the answer has to be given back.
    const request = { parent: instance, botSession: this.#self() };
    const reply = await this.#client.createBotSession(request, { timeoutMs: CREATE_TIMEOUT_MS });
    this.#name = reply.name;
    this.#version = reply.version;
    log.info({ session: reply.name, instance }, "bot session opened");
    leases.apply(reply.leases, undefined, !this.#leaving);
  }

  async #update(name: string): Promise<void> {
    const { leases, idleMs } = this.#deps;
    const report = leases.report();
    const leaving = this.#leaving;
    const options = {
      headers: report.headers.map(([key, value]): [string, string] => [key, value]),
      ...(report.leases.length === 0 && !leaving
        ? { timeoutMs: idleMs, signal: this.#leave.signal }
        : { timeoutMs: BUSY_TIMEOUT_MS }),
    };
    const botSession = { ...this.#self(), name, leases: [...report.leases] };
    const reply = await this.#client.updateBotSession({ name, botSession }, options);
    this.#version = reply.version;
    this.#closed = leaving && reply.leases.length === 0;
    leases.apply(reply.leases, report, !this.#leaving);
  }

  #self() {
    const status = this.#leaving ? BotStatus.BOT_TERMINATING : BotStatus.OK;
    return { ...this.#deps.self, version: this.#version, status };
  }

  #succeeded(): void {
    if (this.#failures > 0) this.#deps.log.info({ session: this.#name }, "the server answers again");
    this.#failures = 0;
  }

  async #failed(error: unknown): Promise<void> {
    const { clock, log, leases } = this.#deps;
    if (this.#name === undefined && isRefusal(error)) throw error;
    if (this.#name !== undefined && isLostSession(error)) {
      log.warn({ session: this.#name, error: errorText(error) }, "bot session lost");
      this.#name = undefined;
      // Whoever leaves opens no new session, so nobody would take its results.
      if (this.#leaving) return leases.abandon();
    } else if (this.#failures === 0)
      log.warn({ error: errorText(error) }, "the server cannot be reached; trying again");
    await pause(clock, backoffMs(this.#failures++, error), this.#leaving ? undefined : this.#leave.signal);
  }

  /** Says goodbye, once; a server that does not hear it finds out by itself. */
  async #farewell(): Promise<void> {
    if (this.#name === undefined || this.#closed) return;
    try {
      const botSession = { ...this.#self(), name: this.#name };
      await this.#client.updateBotSession({ name: this.#name, botSession }, { timeoutMs: FAREWELL_TIMEOUT_MS });
    } catch (error) {
      this.#deps.log.debug({ error: errorText(error) }, "the server did not hear that the bot left");
    }
  }
}

const REFUSALS: ReadonlySet<Code> = new Set([
  Code.InvalidArgument,
  Code.NotFound,
  Code.FailedPrecondition,
  Code.PermissionDenied,
  Code.Unauthenticated,
  Code.Unimplemented,
]);

function isRefusal(error: unknown): boolean {
  return error instanceof StatusError && REFUSALS.has(error.code);
}

const LOST: ReadonlySet<Code> = new Set([Code.InvalidArgument, Code.NotFound, Code.FailedPrecondition, Code.DataLoss]);

function isLostSession(error: unknown): boolean {
  if (!(error instanceof StatusError)) return false;
  // A connection that was cut is ABORTED as well, with a cause; from the server it means that another bot took over.
  return LOST.has(error.code) || (error.code === Code.Aborted && error.cause === undefined);
}

/** Calls once the signal aborts, or at once if it has; answers how to call it off. */
function onAbort(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) callback();
  else signal.addEventListener("abort", callback, { once: true });
  return () => signal.removeEventListener("abort", callback);
}
