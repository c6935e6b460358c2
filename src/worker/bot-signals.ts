/** What ends a bot that is a process of its own. Disposing stops listening. */
export interface BotSignals extends Disposable {
  /** SIGTERM, SIGINT or SIGHUP was received. A second one ends the process at once, actions included. */
  readonly stop: AbortSignal;
  /** The pool that started this process is gone. Never aborts in a process that no pool started. */
  readonly orphaned: AbortSignal;
}

const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/** Listens for what should end this process. */
export function botSignals(): BotSignals {
  const stop = new AbortController();
  const orphaned = new AbortController();
  const onSignal = () => (stop.signal.aborted ? process.exit(1) : stop.abort());
  const onDisconnect = () => orphaned.abort();
  for (const name of SIGNALS) process.on(name, onSignal);
  process.on("disconnect", onDisconnect);
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
      process.stdout.off("error", ignore);
      process.stderr.off("error", ignore);
    },
  };
}

function ignore(): void {}
