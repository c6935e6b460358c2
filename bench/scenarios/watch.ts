import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { CancelOperationRequestSchema, Operations } from "../../gen/google/longrunning/operations_pb.ts";
import { FarmService, WatchOperationsRequestSchema } from "../../gen/opgrid/v1/opgrid_pb.ts";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { createSqliteStore } from "../../src/store/store.ts";
import { frame } from "../frames.ts";
import { createGrpcClient, type GrpcClient } from "../grpc-client.ts";
import { pathOf } from "../methods.ts";
import { seed } from "../seed.ts";
import type { BenchServer } from "../servers.ts";
import { median, quantile } from "../statistics.ts";
import { render, short } from "../table.ts";
import type { Study, StudyBench } from "./study.ts";

const INSTANCE = "watched";
const WATCHERS = 1_000;
const FILTERS = 10;
const CONNECTIONS = 10;
/** Watchers that come and go before the memory is read for the first time, so that no code is loaded later. */
const WARM_UP = 200;
const PAUSE_MS = 100;
const SETTLE_MS = 3_000;
const ARRIVAL_MS = 10_000;
const WATCH = pathOf(FarmService.method.watchOperations);
const CANCEL = pathOf(Operations.method.cancelOperation);

/** Streams that each wait for the next message. */
interface Watchers extends AsyncDisposable {
  /** When each of them got a message after this call, in milliseconds since then. */
  arrivals(): Promise<number[]>;
}

/** WatchOperations: how soon one change is with all who watch, and what one that waits costs. */
export const watch: Study = async (bench) => {
  const changes = bench.options.rounds * 20;
  const { server, queued } = await startFarm(bench, changes);
  bench.say("WatchOperations");
  await (await openWatchers(server, WARM_UP))[Symbol.asyncDispose]();
  await delay(SETTLE_MS);
  const before = await server.rssKib();
  await using watchers = await openWatchers(server, WATCHERS);
  await delay(SETTLE_MS);
  const grown = (await server.rssKib()) - before;
  const cpuBefore = await server.cpuMs();
  const rounds = await measureChanges(watchers, server.client, queued.slice(0, changes));
  const cpuMicros = (((await server.cpuMs()) - cpuBefore) * 1000) / (changes * WATCHERS);
  const all = rounds.flat();
  return render([
    [`WatchOperations, ${short(WATCHERS)} watchers of ${FILTERS} filters`, "unit", ""],
    ["one change is with a watcher, p50", "ms", short(median(all))],
    ["one change is with a watcher, p99", "ms", short(quantile(all, 0.99))],
    ["one change is with all of them, p50", "ms", short(median(rounds.map((round) => Math.max(...round))))],
    ["processor time for a change and a watcher", "µs", short(cpuMicros)],
    ["resident memory for an idle watcher", "KiB", short(grown / WATCHERS)],
  ]);
};

async function startFarm(bench: StudyBench, changes: number) {
  const dataDir = join(bench.directory, "watch");
  const store = await createSqliteStore({ dataDir, clock: systemClock, log: silentLog });
  const { queued } = await seed(store, INSTANCE, { queued: changes, completed: 0 });
  await store[Symbol.asyncDispose]();
  return { queued, server: await bench.startOpgrid("opgrid-watch", { dataDir, instances: [INSTANCE] }) };
}

/** Cancels one operation after the other, each when the one before is known to all. */
async function measureChanges(
  watchers: Watchers,
  client: GrpcClient,
  operations: readonly string[],
): Promise<number[][]> {
  const rounds: number[][] = [];
  for (const name of operations) {
    const arrivals = watchers.arrivals();
    await client.call(
      CANCEL,
      frame(toBinary(CancelOperationRequestSchema, create(CancelOperationRequestSchema, { name }))),
    );
    rounds.push(await arrivals);
    await delay(PAUSE_MS);
  }
  return rounds;
}

async function openWatchers(server: BenchServer, count: number): Promise<Watchers> {
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => createGrpcClient(server.url)));
  let waiting = count;
  let times: number[] = [];
  let startedAt = 0;
  let all = Promise.withResolvers<void>();
  let ending = false;

  const arrived = () => {
    times.push(performance.now() - startedAt);
    if (--waiting === 0) all.resolve();
  };
  for (let i = 0; i < count; i++) {
    clients[i % CONNECTIONS]?.call(WATCH, requestFor(i), arrived).catch((error: unknown) => {
      if (!ending) all.reject(error);
    });
  }
  const allInTime = async () => {
    const timer = setTimeout(() => all.reject(new Error(`${waiting} watchers got nothing`)), ARRIVAL_MS);
    await all.promise;
    clearTimeout(timer);
  };
  // The first message of each says that it watches.
  await allInTime();
  return {
    arrivals: async () => {
      [waiting, times, startedAt, all] = [count, [], performance.now(), Promise.withResolvers<void>()];
      await allInTime();
      return times;
    },
    [Symbol.asyncDispose]: async () => {
      ending = true;
      await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
    },
  };
}

/** One of the filters, which differ and have everything in common that is there. */
function requestFor(watcher: number): Buffer {
  const filter = `cancelled OR priority < ${1 + (watcher % FILTERS)}`;
  const request = create(WatchOperationsRequestSchema, { instanceName: INSTANCE, filter, changesOnly: true });
  return frame(toBinary(WatchOperationsRequestSchema, request));
}
