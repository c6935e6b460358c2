import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { ActionResultSchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { WorkerSchema } from "../../gen/google/devtools/remoteworkers/v1test2/worker_pb.ts";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { openConnection } from "../../src/worker/connection.ts";
import type { Executor } from "../../src/worker/executor.ts";
import { Leases } from "../../src/worker/leases.ts";
import { Session } from "../../src/worker/session.ts";
import { okStatus } from "../../src/worker/status.ts";
import { createBell } from "../../src/worker/waiting.ts";

/** What an action has to want of its platform to come to these bots. */
export const quickPlatform = { name: "pool", value: "quick" } as const;

/**
 * Starts bots that keep to the protocol as real ones do, but only wait a little and then print something that nobody else
 * ever prints. Dispose to let them leave.
 */
export function startQuickBots(url: string, count: number, duration: () => number): AsyncDisposable {
  const stop = new AbortController();
  const running = Array.from({ length: count }, (_, index) => runQuickBot(url, index, duration, stop.signal));
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await Promise.all(running);
    },
  };
}

async function runQuickBot(url: string, index: number, duration: () => number, stop: AbortSignal): Promise<void> {
  const executor: Executor = {
    execute: async (_lease, _progress, signal) => {
      await sleep(duration(), undefined, { signal });
      const stdoutRaw = new Uint8Array(Buffer.from(randomUUID()));
      return { status: okStatus, result: create(ActionResultSchema, { stdoutRaw }) };
    },
  };
  const bell = createBell(systemClock);
  const about = { clock: systemClock, log: silentLog };
  const leases = new Leases({ ...about, executor, capacity: 1, onDone: bell.ring });
  const connection = openConnection({ remote: url });
  const properties = [{ key: quickPlatform.name, value: quickPlatform.value }];
  const worker = create(WorkerSchema, { devices: [{ handle: `quick-${index}`, properties }] });
  const session = new Session({
    ...{ ...about, transport: connection.transport, leases, bell, instance: "main", stop },
    self: { botId: `quick-${index}`, version: "1", worker },
    ...{ pollMs: 1000, idleMs: 30_000, graceMs: 1000, orphaned: new AbortController().signal },
  });
  try {
    await session.run();
  } finally {
    await leases.abandon();
    connection.close();
  }
}
