import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { startBotPool } from "../../src/worker/worker.ts";

// A server as far as its bots are concerned: pool-parent.ts <pool-bot.ts> <remote> <directory>.
const [entry = "", remote = "", directory = ""] = process.argv.slice(2);
startBotPool({ count: 1, entry, args: () => [remote, directory], clock: systemClock, log: silentLog });
