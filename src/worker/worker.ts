import { hostname } from "node:os";
import { create } from "@bufbuild/protobuf";
import { type Worker, WorkerSchema } from "../../gen/google/devtools/remoteworkers/v1test2/worker_pb.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { type Logger, silentLog } from "../base/log.ts";
import { BlobCache } from "./blob-cache.ts";
import { type BotTls, openConnection } from "./connection.ts";
import { createExecutor } from "./executor.ts";
import { Leases } from "./leases.ts";
import { createBubblewrap, noSandbox } from "./sandbox.ts";
import { Session } from "./session.ts";
import { createBell } from "./waiting.ts";
import { openWorkDirectory, type WorkDirectory } from "./work-directory.ts";

export { type BotSignals, botSignals } from "./bot-signals.ts";
export { type BotTls, baseUrlOf, type Connection, openConnection } from "./connection.ts";
export { type BotPool, type BotPoolOptions, startBotPool } from "./pool.ts";
export { backoffMs, isTransient } from "./retry.ts";

/** How a bot is to work. Times are milliseconds. */
export interface BotOptions {
  /** `http://`, `https://`, `grpc://`, `grpcs://` or bare `host:port` (plaintext). */
  readonly remote: string;
  readonly tls?: BotTls | undefined;
  /** Sent with each call, as `authorization`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The instance to work for; `*` for all. */
  readonly instance: string;
  /** Stable name of the bot; default the host's name. */
  readonly botId?: string | undefined;
  /** Version of the bot's software, for diagnosis. */
  readonly version?: string | undefined;
  /** For the cache of blobs and for running actions. No two live bots may share it. */
  readonly directory: string;
  /**
   * `directory` and `botId` are only the beginning: the bot takes the first number that no live bot has, works in
   * `<directory>/<number>` and is called `<botId>-<number>`. Default false.
   */
  readonly numbered?: boolean | undefined;
  /** How many leases at once; default 1. */
  readonly capacity?: number | undefined;
  /** Beside these, `OSFamily` and `ISA` of the machine are announced unless they are given here. */
  readonly properties?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Bound of the blob cache; default 10 GiB. */
  readonly cacheMaxBytes?: number | undefined;
  /** How often a busy bot calls; default 1000. A lease that is done is reported at once. */
  readonly pollMs?: number | undefined;
  /** How long the call of an idle bot may be held open; default 60 000. */
  readonly idleMs?: number | undefined;
  /** How long actions may run on when the bot is stopped; default 30 000. */
  readonly graceMs?: number | undefined;
  /** How long transfers of blobs are tried again before a lease ends as UNAVAILABLE; default 120 000. */
  readonly retryMs?: number | undefined;
  /** Default `none`: actions have the rights of the bot. */
  readonly sandbox?: "none" | "bubblewrap" | undefined;
  /** Whether actions in the sandbox reach the network; default false. */
  readonly network?: boolean | undefined;
  readonly log?: Logger | undefined;
  readonly clock?: Clock | undefined;
  /** Aborts when the process that the bot serves is gone: the bot finishes what runs, tries to report it, and leaves. */
  readonly orphaned?: AbortSignal | undefined;
}

/**
 * Works for a server until the signal aborts; then takes nothing new, lets what runs finish within the grace time, kills
 * the rest, reports it all and resolves. Survives restarts of the server. Rejects when the server refuses the bot, when
 * the directory is in use or when the sandbox does not work. When it settles, no action is running any more.
 */
export async function runBot(options: BotOptions, signal: AbortSignal): Promise<void> {
  const { log = silentLog, clock = systemClock, numbered = false } = options;
  await using directory = await openWorkDirectory(options.directory, numbered, { clock, log });
  const botId = (options.botId ?? hostname()) + (directory.number === undefined ? "" : `-${directory.number}`);
  log.info({ botId, directory: directory.path, instance: options.instance }, "bot started");
  const connection = openConnection(options);
  // Timers of the clock do not keep the process alive; a bot that waits to try again has nothing else.
  const alive = setInterval(() => {}, 2 ** 30);
  try {
    await work(options, { log, clock, directory, botId, transport: connection.transport }, signal);
    log.info({ botId }, "bot left");
  } finally {
    clearInterval(alive);
    connection.close();
  }
}

interface Surroundings {
  readonly log: Logger;
  readonly clock: Clock;
  readonly directory: WorkDirectory;
  readonly botId: string;
  readonly transport: ReturnType<typeof openConnection>["transport"];
}

async function work(options: BotOptions, around: Surroundings, signal: AbortSignal): Promise<void> {
  const { clock, directory } = around;
  const { instance } = options;
  const sandbox =
    options.sandbox === "bubblewrap"
      ? await createBubblewrap({ hidden: directory.path, network: options.network ?? false })
      : noSandbox;
  const cache = await BlobCache.open(directory.cache, options.cacheMaxBytes ?? 10 * 2 ** 30);
  const retry = { clock, forMs: options.retryMs ?? 120_000 };
  const executor = createExecutor({ ...around, retry, cache, sandbox, instance });
  const bell = createBell(clock);
  const capacity = options.capacity ?? 1;
  const leases = new Leases({ ...around, executor, capacity, onDone: bell.ring });
  const session = new Session({
    ...around,
    leases,
    bell,
    instance,
    self: { botId: around.botId, version: options.version ?? "opgrid", worker: describeWorker(options, capacity) },
    pollMs: options.pollMs ?? 1_000,
    idleMs: options.idleMs ?? 60_000,
    graceMs: options.graceMs ?? 30_000,
    stop: signal,
    orphaned: options.orphaned ?? new AbortController().signal,
  });
  try {
    await session.run();
  } finally {
    await leases.abandon();
  }
}

const OS_FAMILIES: Readonly<Record<string, string>> = { darwin: "macos", win32: "windows" };
const INSTRUCTION_SETS: Readonly<Record<string, string>> = {
  x64: "x86-64",
  ia32: "x86-32",
  arm64: "arm-a64",
  arm: "arm-a32",
};

function describeWorker(options: BotOptions, capacity: number): Worker {
  const properties = {
    OSFamily: [OS_FAMILIES[process.platform] ?? process.platform],
    ISA: [INSTRUCTION_SETS[process.arch] ?? process.arch],
    ...options.properties,
  };
  const pairs = Object.entries(properties).flatMap(([key, values]) => values.map((value) => ({ key, value })));
  return create(WorkerSchema, {
    devices: [{ handle: hostname(), properties: pairs }],
    configs: [{ key: "capacity", value: String(capacity) }],
  });
}
