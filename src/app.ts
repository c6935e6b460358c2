import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, systemClock } from "./base/clock.ts";
import type { Digest } from "./base/digests.ts";
import type { Logger } from "./base/log.ts";
import { createReadiness } from "./base/readiness.ts";
import { type Cas, createActionCache, createFileCas, createGrpcCas, createS3Cas } from "./cas/cas.ts";
import type { Config, InstanceConfig } from "./config/config.ts";
import {
  createBotHome,
  createInstance,
  createInstances,
  type InstanceSettings,
  type InstanceStorage,
} from "./instances/instances.ts";
import { createJsonTypes, createRpc, readDescriptorSet, servicesOf } from "./rpc/rpc.ts";
import { createScheduler, EVERY_INSTANCE, type SchedulerSettings } from "./scheduler/scheduler.ts";
import { type ConnectionCounts, createServer } from "./server/server.ts";
import {
  createPostgresStore,
  createSqliteStore,
  lockDataDir,
  type MigrationEvents,
  migrateStore,
  planMigration,
  type SchemaPlan,
  type Store,
} from "./store/store.ts";

/** Where the dashboard is built: beside the compiled server, or in dist beside its sources. */
const DASHBOARD = join(
  import.meta.dirname,
  import.meta.filename.endsWith(".ts") ? "../dist/dashboard" : "../dashboard",
);

/** A running server. */
export interface App extends AsyncDisposable {
  /** Where it listens, as `http://127.0.0.1:50051`. */
  readonly url: string;
  connections(): ConnectionCounts;
  /** Drains and ends everything; resolves when the store is closed. Later calls answer the same promise. */
  close(): Promise<void>;
}

/** What the program around an app chooses. */
export interface AppOptions {
  readonly log: Logger;
  readonly version: string;
  /** The machine's own unless a test has another. */
  readonly clock?: Clock;
}

/**
 * The composition root: builds every object once, in the order of who needs whom, and ends them in the opposite order.
 * Rejects, with everything built so far ended again, when a part cannot start: the data directory is in use, the
 * address is taken, a certificate or a descriptor set cannot be read.
 */
export async function createApp(config: Config, options: AppOptions): Promise<App> {
  const { log, clock = systemClock } = options;
  const jsonTypes = createJsonTypes(await readDescriptorSets(config.json.descriptorSets ?? []));
  await using building = new AsyncDisposableStack();
  await mkdir(config.dataDir, { recursive: true });

  // The embedded store locks the directory itself. Blobs lie in it in any case.
  if (config.store.url !== "sqlite") building.use(lockDataDir(config.dataDir));
  const store = building.use(await openStore(config, { clock, log }));
  // What processes share has one time for all of them; files have the machine's.
  const time = store.shared?.clock ?? clock;
  const storages = new Map<string, InstanceStorage>();
  for (const instance of config.instances) {
    const storage = await openStorage(config.dataDir, instance, { store, time, clock, log });
    building.use(storage.cas);
    storages.set(instance.name, storage);
  }

  const everywhere = settingsOfAll(config);
  const schedulerSettings = new Map(config.instances.map((instance) => [instance.name, schedulerSettingsOf(instance)]));
  const scheduler = building.use(
    await createScheduler({
      ...{ store, clock: time, log },
      instances: config.instances.map((instance) => instance.name),
      settingsOf: (instance) => schedulerSettings.get(instance) ?? schedulerSettingsOf(everywhere),
    }),
  );

  const casOf = (name: string) => storages.get(name)?.cas;
  const instances = createInstances(
    [...storages].map(([name, storage], index) => {
      const settings = settingsOf(config.instances[index] ?? everywhere);
      return createInstance(name, { storage, scheduler, casOf, settings, clock: time });
    }),
    {
      ...{ clock: time, changes: scheduler.changes, census: scheduler.census, figures: scheduler.figures },
      everywhere: createBotHome(EVERY_INSTANCE, { scheduler, casOf, settings: settingsOf(everywhere) }),
    },
  );

  const drain = new AbortController();
  const readiness = createReadiness({ ready: () => store.ready(), draining: drain.signal, clock });
  const rpc = createRpc({
    ...{ instances, log, clock: time, draining: drain.signal, readiness, jsonTypes },
    identityFromHeaders: config.identity.source === "headers",
    longestWaitMs: config.limits.maxWaitMs,
  });
  const server = building.use(
    await createServer({
      listen: config.listen,
      tls: await readTls(config.tls),
      plaintext: config.tls.plaintext,
      corsOrigins: config.cors.allowedOrigins,
      limits: config.limits,
      drainMs: config.shutdown.graceMs,
      dashboard: config.dashboard ? DASHBOARD : undefined,
      about: { name: "opgrid", version: options.version, docs: "docs/" },
      registry: jsonTypes.registry,
      ...{ drain, readiness, log, clock, routes: rpc.routes, interceptors: rpc.interceptors },
      fastPath: config.limits.fastPath ? rpc.fastPath : undefined,
    }),
  );

  const parts = building.move();
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= parts.disposeAsync();
    return closed;
  };
  return { url: server.url, connections: server.connections, close, [Symbol.asyncDispose]: close };
}

/** Brings the schema of the configured store forward, as a start would; answers its number. */
export function migrate({ store, dataDir }: Config, clock: Clock, events: MigrationEvents): Promise<number> {
  return migrateStore({ ...store, dataDir }, clock, events);
}

/** Tells what `migrate` would do, and does nothing. */
export function planMigrate({ store, dataDir }: Config): Promise<SchemaPlan> {
  return planMigration({ ...store, dataDir });
}

async function openStore({ store, dataDir }: Config, deps: { clock: Clock; log: Logger }): Promise<Store> {
  if (store.url === "sqlite") return createSqliteStore({ dataDir, ...deps });
  return createPostgresStore({ ...store, ...deps });
}

interface StorageDeps {
  readonly store: Store;
  /** The time of what the store keeps. */
  readonly time: Clock;
  /** The time of files. */
  readonly clock: Clock;
  readonly log: Logger;
}

async function openStorage(dataDir: string, instance: InstanceConfig, deps: StorageDeps): Promise<InstanceStorage> {
  const submitting = new Set<Digest>();
  // What is being submitted is read first: by the time that it leaves the set, the store has it.
  const liveActions = async () => {
    const early = [...submitting];
    return early.concat((await deps.store.liveJobs(instance.name)).map((job) => job.action));
  };
  const cas = await openCas(dataDir, instance, { ...deps, liveActions });
  const { store, time, log } = deps;
  const { maxEntries } = instance.actionCache;
  const actionCache = createActionCache({ store, clock: time, log, cas, instance: instance.name, maxEntries });
  return { cas, submitting, actionCache };
}

interface CasDeps extends StorageDeps {
  readonly liveActions: () => Promise<readonly Digest[]>;
}

/** The CAS in files, or elsewhere with files as its cache: one is not taken for the other. */
async function openCas(dataDir: string, instance: InstanceConfig, { clock, log, liveActions }: CasDeps): Promise<Cas> {
  const { maxBytes, maxBlobBytes, uploadExpiryMs, s3, grpc } = instance.cas;
  const name = directoryName(instance.name);
  const home = join(dataDir, "instances", name);
  const files = { maxBytes, maxBlobBytes, uploadExpiryMs, clock, log };
  const cache = { directory: join(home, "cas-cache"), ...files };
  if (s3.bucket !== "") return createS3Cas({ ...s3, prefix: `${s3.prefix}${name}/`, cache });
  if (grpc.url !== "") return createGrpcCas({ ...grpc, cache });
  return createFileCas({ directory: join(home, "cas"), ...files, liveActions });
}

/** One directory for each instance name, slashes and all; `+` stands for the nameless one and in no encoded name. */
function directoryName(instance: string): string {
  return instance === "" ? "+nameless" : encodeURIComponent(instance);
}

async function readDescriptorSets(paths: readonly string[]) {
  const read = async (path: string) => {
    try {
      return readDescriptorSet(await readFile(path));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`json.descriptor_sets: cannot use ${path}: ${why}`, { cause });
    }
  };
  return (await Promise.all(paths.map(read))).flat();
}

async function readTls(tls: Config["tls"]) {
  if (tls.cert === undefined || tls.key === undefined) return undefined;
  const [cert, key] = await Promise.all([readFile(tls.cert, "utf8"), readFile(tls.key, "utf8")]);
  const clientCa = tls.clientCa === undefined ? undefined : await readFile(tls.clientCa, "utf8");
  return { cert, key, clientCa, clientAuth: tls.clientAuth };
}

function settingsOf({
  services,
  operations,
  cas,
  actionCache,
  execution,
  botSessions,
}: InstanceConfig): InstanceSettings {
  return {
    services: servicesOf(services),
    defaultFilter: operations.defaultFilter,
    maxPageSize: operations.maxPageSize,
    maxBatchBytes: cas.maxBatchBytes,
    maxBlobBytes: cas.maxBlobBytes,
    actionCacheUpdates: actionCache.updateEnabled,
    defaultTimeoutMs: execution.defaultTimeoutMs,
    maxTimeoutMs: execution.maxTimeoutMs,
    minPriority: execution.minPriority,
    maxPriority: execution.maxPriority,
    keepAliveMs: execution.keepAliveMs,
    longPollMs: botSessions.longPollMs,
  };
}

function schedulerSettingsOf({ operations, execution, botSessions }: InstanceConfig): SchedulerSettings {
  return {
    maxAttempts: execution.maxAttempts,
    queueTimeoutMs: execution.queueTimeoutMs,
    orphanGraceMs: execution.orphanGraceMs,
    polledOrphanGraceMs: execution.polledOrphanGraceMs,
    retentionMs: operations.retentionMs,
    sessionTimeoutMs: botSessions.timeoutMs,
    longPollMs: botSessions.longPollMs,
  };
}

/** What holds for bots that serve every instance: the most patient of the instances' bot settings, and no other service. */
function settingsOfAll({ instances, services }: Config): InstanceConfig {
  const [first] = instances;
  if (!first) throw new Error("there is no instance");
  return {
    ...first,
    name: EVERY_INSTANCE,
    services: services.filter((service) => service === "bots"),
    botSessions: {
      timeoutMs: Math.max(...instances.map((instance) => instance.botSessions.timeoutMs)),
      longPollMs: Math.max(...instances.map((instance) => instance.botSessions.longPollMs)),
    },
  };
}
