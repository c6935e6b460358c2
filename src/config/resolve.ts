import { join } from "node:path";
import type { ServiceName } from "./instance-list.ts";
import type { instanceSections, tree } from "./schema.ts";
import type { Values } from "./tree.ts";

/** What the file says, all defaults filled in. */
export type FileValues = Values<typeof tree>;

type Sections = Values<typeof instanceSections>;

/** One instance, with everything that holds for it. */
export interface InstanceConfig extends Sections {
  /** May be empty and may contain slashes. */
  readonly name: string;
  readonly services: readonly ServiceName[];
}

type InstanceEntry = FileValues["instances"][number];

/**
 * The configuration as code sees it: camelCase names, sizes in bytes under names that end with `Bytes`, durations in
 * milliseconds under names that end with `Ms`. Each setting is described in schema.ts.
 */
export interface Config extends Omit<FileValues, keyof Sections | "instances" | "bot"> {
  readonly bot: Omit<FileValues["bot"], "directory"> & {
    readonly directory: string;
  };
  readonly instances: readonly InstanceConfig[];
}

/** An override of parts of a section within the section leaves the others as they are. */
export function resolveCas(all: Sections["cas"], overrides: Partial<Sections["cas"]> = {}): Sections["cas"] {
  const s3 = { ...all.s3, ...overrides.s3 };
  const grpc = { ...all.grpc, ...overrides.grpc };
  return { ...all, ...overrides, s3, grpc };
}

function resolveInstance(values: FileValues, { name, services, overrides }: InstanceEntry): InstanceConfig {
  const cas = resolveCas(values.cas, overrides.cas);
  const execution = { ...values.execution, ...overrides.execution };
  return {
    name,
    services: services.filter((service) => values.services.includes(service)),
    operations: { ...values.operations, ...overrides.operations },
    cas: { ...cas, maxBlobBytes: Math.min(cas.maxBlobBytes, cas.maxBytes) },
    actionCache: { ...values.actionCache, ...overrides.action_cache },
    execution: {
      ...execution,
      defaultTimeoutMs: Math.min(execution.defaultTimeoutMs, execution.maxTimeoutMs),
    },
    botSessions: { ...values.botSessions, ...overrides.bot_sessions },
  };
}

/** What a bot calls: without one of them the server has no work for bots of its own. */
const BOT_SERVICES: readonly ServiceName[] = ["bots", "cas", "bytestream", "capabilities"];

/** Gives each instance everything that holds for it, and fills in what depends on other settings. */
export function resolve(values: FileValues): Config {
  const { operations, cas, actionCache, execution, botSessions, instances, bot, ...rest } = values;
  const canFeedBots = BOT_SERVICES.every((service) => values.services.includes(service));
  return {
    ...rest,
    bots: canFeedBots ? values.bots : 0,
    bot: { ...bot, directory: bot.directory ?? join(values.dataDir, "bots") },
    instances: instances.map((entry) => resolveInstance(values, entry)),
  };
}
