import { randomUUID } from "node:crypto";
import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { anyPack, anyUnpack, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ConnectRouter, decodeBinaryHeader, type HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import {
  type Action,
  type ActionResult,
  ActionResultSchema,
  ActionSchema,
  CommandSchema,
  DigestSchema,
  type ExecutedActionMetadata,
  ExecutedActionMetadataSchema,
  type Digest as WireDigest,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import {
  type BotSession,
  BotStatus,
  Bots,
  type Lease,
  LeaseSchema,
  LeaseState,
} from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import type { Status } from "../../gen/google/rpc/status_pb.ts";
import { defer } from "./defer.ts";
import { FakeCas } from "./fake-cas.ts";

/** What became of a job. */
export interface JobEnd {
  readonly status: Status;
  readonly result: ActionResult | undefined;
  readonly bot: string;
}

/** One job of the farm. */
export interface Job {
  readonly id: string;
  readonly lease: Lease;
  readonly ended: Promise<JobEnd>;
  /** Names of the sessions that it was given to, in order. */
  readonly sessions: string[];
  readonly progress: ExecutedActionMetadata[];
}

/** A job's command and input root. */
export interface JobSpec {
  readonly command: MessageInitShape<typeof CommandSchema>;
  readonly inputRoot?: WireDigest;
  readonly action?: Omit<MessageInitShape<typeof ActionSchema>, "$typeName">;
  /** Sends the digest of the action instead of the action. */
  readonly byDigest?: boolean;
  /** What to send instead of an action. */
  readonly payload?: Lease["payload"];
  readonly requirements?: MessageInitShape<typeof LeaseSchema>["requirements"];
}

interface Session {
  readonly name: string;
  readonly botId: string;
  readonly jobs: Map<string, FarmJob>;
  wake: () => void;
}

interface FarmJob extends Job {
  attempts: number;
  end: (end: JobEnd) => void;
}

const MAX_ATTEMPTS = 5;
const MAX_JOB_MS = 15_000;

/**
 * The server's side of the protocols that a bot speaks, in memory: enough of the CAS, of ByteStream, Capabilities and
 * Bots to drive a bot by hand, and to be unkind to it.
 */
export class FakeFarm extends FakeCas implements AsyncDisposable {
  readonly sessions = new Map<string, Session>();
  readonly updates: BotSession[] = [];
  /** What `authorization` headers said. */
  readonly authorizations = new Set<string | null>();
  longPollMs = 1_000;
  readonly #queue: FarmJob[] = [];
  readonly #jobs = new Map<string, FarmJob>();
  readonly #connections = new Set<ServerHttp2Session>();
  #server: Http2Server | undefined;
  #port = 0;

  /** Where bots connect. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Listens, after `stop` on the same port as before. */
  async start(): Promise<void> {
    const server = createServer(connectNodeAdapter({ routes: (router) => this.routes(router) }));
    server.on("session", (session) => {
      this.#connections.add(session);
      session.on("error", () => {});
      session.on("close", () => this.#connections.delete(session));
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#port, "127.0.0.1", resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Stops like a process that is killed: all connections are cut. State is kept. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const session of this.sessions.values()) session.wake();
    const closed = new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
    this.cutConnections();
    await closed;
  }

  /** Cuts all connections. */
  override cutConnections(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  /** Forgets all bot sessions and puts their jobs back into the queue. */
  loseSessions(): void {
    for (const session of this.sessions.values()) {
      this.#queue.push(...session.jobs.values());
      session.wake();
    }
    this.sessions.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Queues a job. */
  submit(spec: JobSpec): Job {
    const inputRootDigest = spec.inputRoot ?? this.put("");
    const commandDigest = this.putMessage(CommandSchema, spec.command);
    const action: Action = create(ActionSchema, { commandDigest, inputRootDigest, ...spec.action });
    const payload =
      spec.payload ??
      (spec.byDigest ? anyPack(DigestSchema, this.putMessage(ActionSchema, action)) : anyPack(ActionSchema, action));
    const id = randomUUID();
    const { promise, resolve, reject } = Promise.withResolvers<JobEnd>();
    promise.catch(() => {});
    setTimeout(() => reject(new Error("a job did not end")), MAX_JOB_MS).unref();
    const lease = create(LeaseSchema, {
      id,
      payload,
      state: LeaseState.ACTIVE,
      ...(spec.requirements && { requirements: spec.requirements }),
    });
    const job: FarmJob = { id, lease, ended: promise, end: resolve, sessions: [], progress: [], attempts: 0 };
    this.#jobs.set(id, job);
    this.#queue.push(job);
    for (const session of this.sessions.values()) session.wake();
    return job;
  }

  /** Takes a job from whoever has it. */
  cancel(job: Job): void {
    for (const session of this.sessions.values()) session.jobs.delete(job.id);
  }

  override routes(router: ConnectRouter): void {
    super.routes(router);
    router.service(Bots, {
      createBotSession: this.counted("CreateBotSession", ({ parent, botSession }) => this.#open(parent, botSession)),
      updateBotSession: this.counted("UpdateBotSession", ({ name, botSession }, context: HandlerContext) =>
        this.#update(name, botSession as BotSession, context),
      ),
    });
  }

  #open(parent: string, bot: BotSession | undefined) {
    for (const [name, old] of this.sessions) {
      if (old.botId !== bot?.botId) continue;
      this.#queue.push(...old.jobs.values());
      this.sessions.delete(name);
    }
    const session: Session = {
      name: `${parent}/${randomUUID()}`,
      botId: bot?.botId ?? "",
      jobs: new Map(),
      wake: () => {},
    };
    this.sessions.set(session.name, session);
    this.#assign(session, bot as BotSession);
    return this.#answer(session);
  }

  async #update(name: string, bot: BotSession, context: HandlerContext) {
    this.updates.push(bot);
    this.authorizations.add(context.requestHeader.get("authorization"));
    const session = this.sessions.get(name);
    if (!session) throw new ConnectError(`no session ${name}`, Code.InvalidArgument);
    this.#noteProgress(session, context.requestHeader);
    for (const lease of bot.leases) if (lease.state === LeaseState.COMPLETED) this.#complete(session, lease);
    if (bot.status === BotStatus.BOT_TERMINATING) return this.#leave(session, bot);
    this.#assign(session, bot);
    if (bot.leases.length === 0 && session.jobs.size === 0) {
      await this.#wait(session, context.signal);
      this.#assign(session, bot);
    }
    if (!this.#server) throw new ConnectError("stopped", Code.Unavailable);
    return this.#answer(session);
  }

  #noteProgress(session: Session, header: Headers): void {
    for (const [key, value] of header) {
      const id = /^partial-execution-metadata-(.+)-bin$/.exec(key)?.[1];
      const job = id === undefined ? undefined : session.jobs.get(id);
      job?.progress.push(decodeBinaryHeader(value, ExecutedActionMetadataSchema));
    }
  }

  #complete(session: Session, lease: Lease): void {
    const job = session.jobs.get(lease.id);
    if (!job) return;
    session.jobs.delete(lease.id);
    const status = lease.status as Status;
    if ((status.code === Code.Internal || status.code === Code.Unavailable) && job.attempts < MAX_ATTEMPTS) {
      this.#queue.push(job);
      return;
    }
    const result = lease.result && anyUnpack(lease.result, ActionResultSchema);
    job.end({ status, result, bot: session.botId });
  }

  #leave(session: Session, bot: BotSession) {
    for (const [id, job] of session.jobs) {
      if (bot.leases.some((lease) => lease.id === id)) continue;
      session.jobs.delete(id);
      this.#queue.push(job);
    }
    if (session.jobs.size === 0) this.sessions.delete(session.name);
    for (const other of this.sessions.values()) other.wake();
    return this.#answer(session);
  }

  #assign(session: Session, bot: BotSession): void {
    const capacity = Number(bot.worker?.configs.find((config) => config.key === "capacity")?.value ?? 1);
    if (!this.sessions.has(session.name) || bot.status !== BotStatus.OK) return;
    while (session.jobs.size < capacity && this.#queue.length > 0) {
      const job = this.#queue.shift() as FarmJob;
      job.attempts++;
      job.sessions.push(session.name);
      session.jobs.set(job.id, job);
    }
  }

  #wait(session: Session, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.longPollMs);
      session.wake = () => {
        clearTimeout(timer);
        resolve();
      };
      signal.addEventListener("abort", session.wake, { once: true });
    });
  }

  #answer(session: Session) {
    const leases = [...session.jobs.values()].map((job) => job.lease);
    return {
      name: session.name,
      botId: session.botId,
      version: "1",
      leases,
      expireTime: timestampFromMs(Date.now() + 600_000),
    };
  }
}

/** A farm that listens and is taken down with the test. */
export async function startFarm(t: TestContext): Promise<FakeFarm> {
  const farm = new FakeFarm();
  await farm.start();
  defer(t, () => farm[Symbol.asyncDispose]());
  return farm;
}
