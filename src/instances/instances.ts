import type { Message } from "@bufbuild/protobuf";
import type { Clock } from "../base/clock.ts";
import { invalidArgument, unimplemented } from "../base/errors.ts";
import { compareText } from "../operations/operations.ts";
import type { Census, ChangeFeed, Scheduler } from "../scheduler/scheduler.ts";
import { createFarmView, type FarmView } from "./farm-view.ts";
import type { BotHome, Instance } from "./instance.ts";
import { type AcrossRequest, listAcross, type PageAcross, scopeOfAll } from "./list-across.ts";
import { ALL_INSTANCES, type MethodRef, mayNameAll, type Target, targetOf } from "./targets.ts";
import { type WatchedBatch, type WatchRequest, watchOperations } from "./watch-operations.ts";

export type { Upload } from "../cas/cas.ts";
export {
  type BotReport,
  type Cause,
  type Durations,
  type FigureReport,
  type Figures,
  type JobEvent,
  JobEventKind,
  type LeaseReport,
  type OperationStanding,
  type PlatformLoad,
  POSITION_LIMIT,
  type Worker,
} from "../scheduler/scheduler.ts";
export type { Farm } from "./farm.ts";
export type { FarmView } from "./farm-view.ts";
export {
  type BotHome,
  createBotHome,
  createInstance,
  type Instance,
  type InstanceSettings,
  type InstanceStorage,
} from "./instance.ts";
export type { BotReply, LeaseOffer } from "./leasing.ts";
export { isInstanced, type MethodRef, type Target } from "./targets.ts";
export type { WatchedBatch, WatchedChange, WatchRequest } from "./watch-operations.ts";

/** A request's instance, found, and what in it the request is about. */
export interface Resolved {
  readonly home: BotHome;
  /** Undefined for `*`, which has bots and nothing else. */
  readonly instance: Instance | undefined;
  /** The operation or bot session id; "" where the request names the instance only. */
  readonly id: string;
  readonly blob: Target["blob"];
  /** The instances that serve the service, as one; only for a request that is about all of them. */
  readonly across: Across | undefined;
}

/** Several instances as one. */
export interface Across {
  /** All instances of the server, also those that do not serve the service, in order of their names. */
  readonly all: readonly Instance[];
  readonly farm: FarmView;
  list(request: AcrossRequest): Promise<PageAcross>;
  watch(request: WatchRequest): AsyncIterable<WatchedBatch>;
}

/** The instances of this server, by name. */
export interface Instances {
  readonly names: readonly string[];
  /**
   * Finds what a request is about; a list may be about all instances (`-`). INVALID_ARGUMENT for an unknown instance or
   * a malformed name, UNIMPLEMENTED for a service that the instance does not serve.
   */
  resolve(method: MethodRef, message: Message): Resolved;
}

/** Makes the registry. `everywhere` is the home of the bots that serve every instance. */
export function createInstances(
  all: readonly Instance[],
  deps: AcrossDeps & { readonly everywhere: BotHome },
): Instances {
  const { everywhere } = deps;
  const sorted = all.toSorted((a, b) => compareText(a.name, b.name));
  const byName = new Map(all.map((instance) => [instance.name, instance]));
  return {
    names: [...byName.keys()],
    resolve: (method, message) => {
      const { instance: name, id, blob } = targetOf(method, message);
      if (name === ALL_INSTANCES && mayNameAll(method)) {
        const serving = all.filter(({ settings }) => settings.services.has(method.parent.typeName));
        if (serving.length === 0) throw notServed(method, name);
        return { home: everywhere, instance: undefined, id, blob, across: createAcross(sorted, serving, deps) };
      }
      const instance = byName.get(name);
      const served = ({ settings }: BotHome) => settings.services.has(method.parent.typeName);
      const home = instance ?? (name === everywhere.name && served(everywhere) ? everywhere : undefined);
      if (!home) throw unknownInstance(name);
      if (!served(home)) throw notServed(method, name);
      return { home, instance, id, blob, across: undefined };
    },
  };
}

interface AcrossDeps {
  readonly census: Census;
  readonly figures: Scheduler["figures"];
  readonly changes: ChangeFeed;
  readonly clock: Clock;
}

function createAcross(all: readonly Instance[], serving: readonly Instance[], deps: AcrossDeps): Across {
  const names = serving.map(({ name }) => name);
  return {
    all,
    farm: createFarmView(names, deps),
    list: (request) => listAcross(serving, request, deps.clock),
    watch: (request) => watchOperations(scopeOfAll(serving), deps, request),
  };
}

function unknownInstance(name: string) {
  return invalidArgument("INSTANCE_UNKNOWN", `unknown instance name: ${JSON.stringify(name)}`, { instance: name });
}

function notServed(method: MethodRef, instance: string) {
  const service = method.parent.typeName;
  return unimplemented("SERVICE_NOT_ENABLED", `instance "${instance}" does not serve ${service}`, {
    instance,
    service,
  });
}
