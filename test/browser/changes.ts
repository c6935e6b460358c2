import type { Clients } from "../helpers/e2e-actions.ts";
import { submitAction } from "../helpers/e2e-actions.ts";

/** Operations that come and go. */
export interface Changes {
  /** How many there were so far: an operation that comes is one, and one that goes. */
  count(): number;
  /** Ends it; rejects with what went wrong on the way. */
  stop(): Promise<void>;
}

const TICK_MS = 50;
/** So many operations are there at a time at most, however slow the server is. */
const AT_ONCE = 64;

/** Lets so many changes happen a second: operations that no bot takes come, and are cancelled. */
export async function startChanges({ cas, execution, operations }: Clients, perSecond: number): Promise<Changes> {
  const platform = [{ name: "pool", value: "nobody" }];
  const { actionDigest, name } = await submitAction({ cas, execution }, { argv: ["true"], platform });
  await operations.cancelOperation({ name });
  const running = new Set<Promise<void>>();
  let changes = 0;
  let failure: unknown;

  const comeAndGo = async () => {
    for await (const { name, done } of execution.execute({ instanceName: "main", actionDigest })) {
      changes += 1;
      if (!done) await operations.cancelOperation({ name });
    }
  };
  const begin = () => {
    const one = comeAndGo()
      .catch((thrown) => {
        failure ??= thrown;
      })
      .finally(() => running.delete(one));
    running.add(one);
  };
  const startedAt = Date.now();
  let begun = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((Date.now() - startedAt) / 2000) * perSecond);
    for (; begun < due && running.size < AT_ONCE; begun++) begin();
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
