import assert from "node:assert/strict";
import { test } from "node:test";
import { unavailable } from "../../src/base/errors.ts";
import { silentLog } from "../../src/base/log.ts";
import { CLAIM, claims } from "../../src/store/postgres/claims.ts";
import { type Database, openDatabase } from "../../src/store/postgres/database.ts";
import { createOwnChanges } from "../../src/store/postgres/own-changes.ts";
import { START, session, submission } from "../helpers/farm.ts";
import { openPostgres } from "../helpers/open-postgres.ts";
import { holdJob, sharedPostgres } from "../helpers/postgres.ts";

test("a claim hands out what it has got when the database goes away before its next look", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const store = await openPostgres(t, { url });
  await store.putSession(session({ name: "main/bot" }));
  const [held, free] = [await store.submit(submission()), await store.submit(submission())];
  const platforms = (await store.platforms(0)).map(({ id }) => id);
  const release = await holdJob(url, held.operation.job.id);
  const limits = { maxConnections: 1, statementTimeoutMs: 5000, connectTimeoutMs: 5000 };
  await using db = openDatabase({ url, log: silentLog, ...limits });
  let looks = 0;
  const failing: Database = {
    query: (statement, params) => {
      if (statement === CLAIM && ++looks > 1) throw unavailable("away", 1000);
      return db.query(statement, params);
    },
    transaction: (work) => db.transaction(work),
    [Symbol.asyncDispose]: async () => {},
  };
  const { claim } = claims(failing, createOwnChanges());
  const wish = { session: "main/bot", worker: "bot", platforms, limit: 2, now: START + 1 };
  const jobs = await claim(wish);
  assert.equal(looks, 2);
  assert.deepEqual(
    jobs.map(({ id }) => id),
    [free.operation.job.id],
  );
  await assert.rejects(claim(wish), /away/);
  await release();
});
