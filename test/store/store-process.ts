import { writeSync } from "node:fs";
import { silentLog } from "../../src/base/log.ts";
import { createSqliteStore } from "../../src/store/store.ts";
import { submission } from "../helpers/farm.ts";

// Opens a store and says so, then, when told to submit, submits for ever from several callers at once and prints the id
// of each operation when it is acknowledged.

const [dataDir = "", task = "hold"] = process.argv.slice(2);
const store = await createSqliteStore({ dataDir, log: silentLog });
writeSync(1, "open\n");

async function submitForEver(): Promise<void> {
  for (;;) {
    const { operation } = await store.submit(submission());
    writeSync(1, `${operation.id}\n`);
  }
}

if (task === "submit") await Promise.all(Array.from({ length: 8 }, submitForEver));
