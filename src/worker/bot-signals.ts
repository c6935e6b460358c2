/** What ends a bot that is a process of its own. Disposing stops listening. */
export interface BotSignals extends Disposable {
  /**
   * SIGTERM, SIGINT or SIGHUP was received, or the pool wants the bot to leave. A second signal ends the process at
   * once, actions included.
   */
  readonly stop: AbortSignal;
  /** The pool that started this process is gone. Never aborts in a process that no pool started. */
  readonly orphaned: AbortSignal;
}

/** What a pool sends to a bot that is to leave. */
export const STOP_MESSAGE = "stop";

const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/** Listens for what should end this process. */
export function botSignals(): BotSignals {
  const stop = new AbortController();
  const orphaned = new AbortController();
  let signals = 0;
  const onSignal = () => (signals++ > 0 ? process.exit(1) : stop.abort());
  // Ctrl-C in a terminal reaches both the pool and its bots, so the pool's word does not count as a second signal.
  const onMessage = (message: unknown) => message === STOP_MESSAGE && stop.abort();
  const onDisconnect = () => orphaned.abort();
  for (const name of SIGNALS) process.on(name, onSignal);
  process.on("disconnect", onDisconnect);
  process.on("message", onMessage);
  if (process.connected === false) orphaned.abort();
  // The other end of stdout and stderr may have gone with the parent; losing a line of the log is no reason to crash.
  process.stdout.on("error", ignore);
  process.stderr.on("error", ignore);
  return {
    stop: stop.signal,
    orphaned: orphaned.signal,
    [Symbol.dispose]: () => {
      for (const name of SIGNALS) process.off(name, onSignal);
      process.off("disconnect", onDisconnect);
      process.off("message", onMessage);
      process.stdout.off("error", ignore);
      process.stderr.off("error", ignore);
    },
  };
}

function ignore(): void {}
