import { type Clients, submitAction } from "../helpers/e2e-actions.ts";

/** Operations that come and go. */
export interface Changes {
  /** How many there were so far: an operation that comes is one, and one that goes. */
  count(): number;
  /** Ends it; rejects with what went wrong on the way. */
  stop(): Promise<void>;
}

const TICK_MS = 100;
/** So many ticks' operations are there at a time at most, however slow the server is. */
const TICKS_AT_ONCE = 5;

/**
 * Lets so many changes happen a second, or as many as the server can: operations that want a job that no bot takes come
 * together, and go when it is killed.
 */
export function startChanges(clients: Clients, perSecond: number): Changes {
  const running = new Set<Promise<void>>();
  let changes = 0;
  let ticks = 0;
  let failure: unknown;

  const count = async (stream: AsyncIterable<unknown>, onFirst: () => void) => {
    for await (const _ of stream) {
      changes += 1;
      onFirst();
    }
  };
  const comeAndGo = async (salt: string) => {
    const platform = [{ name: "pool", value: "nobody" }];
    const { name, actionDigest } = await submitAction(clients, { argv: ["true"], platform, salt });
    const operations = Array.from({ length: (perSecond * TICK_MS) / 2000 }, () => {
      const { promise: came, resolve } = Promise.withResolvers<void>();
      const went = count(clients.execution.execute({ instanceName: "main", actionDigest }), resolve);
      return { came: Promise.race([came, went]), went };
    });
    await Promise.all(operations.map(({ came }) => came));
    await clients.farm.killJob({ name });
    await Promise.all(operations.map(({ went }) => went));
  };
  const timer = setInterval(() => {
    if (running.size >= TICKS_AT_ONCE) return;
    const tick: Promise<void> = comeAndGo(`changes ${ticks++}`)
      .catch((thrown) => {
        failure ??= thrown;
      })
      .finally(() => running.delete(tick));
    running.add(tick);
  }, TICK_MS);
  return {
    count: () => changes,
    stop: async () => {
      clearInterval(timer);
      await Promise.all(running);
      if (failure !== undefined) throw failure;
    },
  };
}
