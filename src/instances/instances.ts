import type { Message } from "@bufbuild/protobuf";
import type { Clock } from "../base/clock.ts";
import { invalidArgument, unimplemented } from "../base/errors.ts";
import type { ChangeFeed } from "../scheduler/scheduler.ts";
import type { BotHome, Instance } from "./instance.ts";
import { type AcrossRequest, ALL_INSTANCES, listAcross, type PageAcross, scopeOfAll } from "./list-across.ts";
import { type MethodRef, mayNameAll, type Target, targetOf } from "./targets.ts";
import { type WatchedBatch, type WatchRequest, watchOperations } from "./watch-operations.ts";

export type { Upload } from "../cas/cas.ts";
export {
  type BotReport,
  type Cause,
  type JobEvent,
  JobEventKind,
  type LeaseReport,
  type OperationStanding,
  type PlatformLoad,
  POSITION_LIMIT,
  type Worker,
} from "../scheduler/scheduler.ts";
export type { Timed } from "./farm.ts";
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
  deps: { readonly everywhere: BotHome; readonly changes: ChangeFeed; readonly clock: Clock },
): Instances {
  const { everywhere, clock } = deps;
  const byName = new Map(all.map((instance) => [instance.name, instance]));
  return {
    names: [...byName.keys()],
    resolve: (method, message) => {
      const { instance: name, id, blob } = targetOf(method, message);
      if (name === ALL_INSTANCES && mayNameAll(method)) {
        const serving = all.filter(({ settings }) => settings.services.has(method.parent.typeName));
        if (serving.length === 0) throw notServed(method, name);
        const across: Across = {
          list: (request) => listAcross(serving, request, clock),
          watch: (request) => watchOperations(scopeOfAll(serving), deps, request),
        };
        return { home: everywhere, instance: undefined, id, blob, across };
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
