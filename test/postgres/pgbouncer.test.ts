import assert from "node:assert/strict";
import { test } from "node:test";
import type { Logger } from "../../src/base/log.ts";
import { silentLog } from "../../src/base/log.ts";
import { Stage } from "../../src/operations/operations.ts";
import { completeJob, START, session, submission } from "../helpers/farm.ts";
import { openPostgres } from "../helpers/open-postgres.ts";
import { throughPgBouncer } from "../helpers/pgbouncer.ts";
import { sharedPostgres } from "../helpers/postgres.ts";
import { until } from "../helpers/until.ts";

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

test("works through PgBouncer in transaction mode, with more connections than PgBouncer has, and hears of changes", async (t) => {
  const directUrl = await (await sharedPostgres()).createDatabase();
  const url = await throughPgBouncer(t, directUrl);
  const [one, two] = [await openPostgres(t, { url, directUrl }), await openPostgres(t, { url, directUrl })];
  let woken = 0;
  t.after(
    two.onChange(() => {
      woken += 1;
    }),
  );
  const submitted = await Promise.all(range(100).map((i) => one.submit(submission({ action: `${i % 50}` }))));
  assert.equal(submitted.filter(({ merged }) => merged).length, 50);
  await until(() => woken > 0, "a notice");
  await one.putSession(session());
  const claims = range(60).map((i) =>
    (i % 2 ? one : two).claim({
      ...{ session: "main/bot-session", worker: "bot", platforms: [1], limit: 1, now: START },
    }),
  );
  const jobs = (await Promise.all(claims)).flat();
  assert.equal(new Set(jobs.map(({ id }) => id)).size, 50);
  await Promise.all(jobs.map(({ id }) => completeJob(two, id)));
  for (const { operation } of submitted) assert.equal((await two.getOperation(operation))?.stage, Stage.COMPLETED);
  const order = [{ key: "name", descending: false }] as const;
  const list = { instance: "main", filter: { kind: "and", terms: [] }, order, after: undefined, limit: 200 } as const;
  assert.equal((await one.listOperations(list)).length, 100);
});

test("with PgBouncer only, it says that it cannot listen, and looks for changes every now and then", async (t) => {
  const url = await throughPgBouncer(t, await (await sharedPostgres()).createDatabase());
  const warnings: string[] = [];
  const log: Logger = { ...silentLog, warn: (_, message) => warnings.push(message) };
  const [one, two] = [await openPostgres(t, { url, log }), await openPostgres(t, { url })];
  assert.deepEqual(warnings, ["cannot listen for changes of other processes; looking every 2 s"]);
  let woken = 0;
  t.after(
    one.onChange(() => {
      woken += 1;
    }),
  );
  await two.submit(submission());
  await until(() => woken > 0, "a wake");
});
