import { writeSync } from "node:fs";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { createFigureKeeper } from "../../src/scheduler/figures.ts";
import { createSqliteStore } from "../../src/store/store.ts";

// Counts for ever, ten at a time, and prints how much of it is saved for sure.

const [dataDir = ""] = process.argv.slice(2);
const store = await createSqliteStore({ dataDir, log: silentLog });
const figures = createFigureKeeper({ store, clock: systemClock, log: silentLog });
for (let counted = 0; ; ) {
  for (let i = 0; i < 10; i++, counted++) figures.submitted("main", Date.now(), "new");
  await figures.save();
  writeSync(1, `${counted}\n`);
}
