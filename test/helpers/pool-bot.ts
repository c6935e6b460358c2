import { appendFileSync } from "node:fs";
import { botSignals, runBot } from "../../src/worker/worker.ts";

// A bot as a pool starts it: pool-bot.ts <remote> <directory> [<sandbox>].
const [remote = "", directory = "", sandbox] = process.argv.slice(2);
using signals = botSignals();
appendFileSync(`${directory}.pids`, `${process.pid}\n`);
const { stop, orphaned } = signals;
await runBot(
  {
    ...{ remote, directory, instance: "main", botId: "pooled", numbered: true, pollMs: 50, graceMs: 1_000, orphaned },
    sandbox: sandbox === "bubblewrap" ? "bubblewrap" : "none",
  },
  stop,
);
