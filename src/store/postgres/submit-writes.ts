import { JobEventKind } from "../job-event.ts";
import { commandText, propertiesText, toOperation } from "../records.ts";
import { OPERATION_COLUMNS, type OperationRow } from "../rows.ts";
import { COMPLETED, QUEUED } from "../stages.ts";
import type { Store, Submission } from "../store.ts";
import { STALE, untilFresh } from "./attempts.ts";
import type { Database } from "./database.ts";
import { factsSql, jsonSql } from "./facts.ts";
import type { OwnChanges } from "./own-changes.ts";
import { createPlatforms } from "./platforms.ts";
import { type Param, THIS_CHANGE } from "./statement.ts";
import { sqlState } from "./store-error.ts";

/**
 * Inserts a job, or joins the one that the unique index of live cacheable jobs has already: PostgreSQL decides which, and
 * waits for whoever is about to. Only who makes a queued job more urgent has to know all its operations, and so must have
 * seen it as it is; gives no row when that is not so.
 */
const SUBMIT = {
  name: "submit",
  text: `
    WITH live AS MATERIALIZED (
      SELECT id, version, stage, priority FROM jobs
      WHERE instance = $1 AND action_hash = $5 AND action_size = $6 AND digest_function = $4
        AND stage < ${COMPLETED} AND cacheable = 1 AND $10::int = 1 AND $12::int = ${QUEUED}
    ), job AS (
      INSERT INTO jobs AS j (id, instance, digest_function, action_hash, action_size, command, platform_id, priority,
        cacheable, timeout_ms, stage, attempts, queued_at, completed_at, status_code, exit_code, cached)
      VALUES ($3, $1, $4, $5, $6, $7, $8, $9, $10::int, $11, $12::int, 0, $13, $14, $15, $16, $17)
      ON CONFLICT (instance, action_hash, action_size, digest_function) WHERE stage < ${COMPLETED} AND cacheable = 1
      DO UPDATE SET version = j.version + 1, operations = j.operations + 1,
        priority = CASE j.stage WHEN ${QUEUED} THEN least(j.priority, excluded.priority) ELSE j.priority END
      WHERE j.stage <> ${QUEUED} OR j.priority <= excluded.priority
        OR EXISTS (SELECT 1 FROM live WHERE live.id = j.id AND live.version = j.version)
      RETURNING j.*
    ), raised AS (
      UPDATE operations o SET changed = ${THIS_CHANGE} FROM job, live
      WHERE live.id = job.id AND live.version = job.version - 1 AND job.priority < live.priority
        AND o.job_id = job.id AND o.completed_at IS NULL
    ), operation AS (
      INSERT INTO operations (instance, id, job_id, stage, cancelled, polled, created_at, queued_at, completed_at,
        tool_name, tool_version, action_id, invocation_id, correlated_invocations_id, action_mnemonic, target_id,
        configuration_id, client_actor, client_subject, client_workflow, changed)
      SELECT $1, $2, job.id, job.stage, 0, 0, $13, job.queued_at, $14,
        $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, ${THIS_CHANGE} FROM job
      RETURNING *
    ), event AS (
      INSERT INTO job_events (job_id, kind, at, facts)
      SELECT id, ${JobEventKind.NEW_OPERATION}, $13,
        ${factsSql({ operation: jsonSql("$2::text"), operations: jsonSql("operations") })} FROM job
      UNION ALL SELECT id, ${JobEventKind.COMPLETION}, $13,
        ${factsSql({ statusCode: jsonSql("$15::int"), durationMs: "'0'" })} FROM job WHERE $15::int IS NOT NULL
    ), payload AS (
      INSERT INTO job_payloads (job_id, response) SELECT id, $18::bytea FROM job WHERE $18::bytea IS NOT NULL
    )
    SELECT o.changed, ${OPERATION_COLUMNS} FROM operation o CROSS JOIN job j CROSS JOIN LATERAL (
      SELECT CASE j.platform_id WHEN $8 THEN $30::text ELSE coalesce(
        (SELECT properties FROM platforms WHERE id = j.platform_id), $30::text) END AS properties
    ) p
    LEFT JOIN (
      SELECT job_id, partial_metadata, response FROM job_payloads UNION ALL SELECT $3, NULL, $18 WHERE $18 IS NOT NULL
    ) x ON x.job_id = j.id`,
};

/** The transition that makes operations, and jobs where need be. */
export function submitWrites(db: Database, own: OwnChanges): Pick<Store, "submit"> {
  const platforms = createPlatforms(db);

  async function attempt(submission: Submission) {
    const { operation, job } = submission;
    const platformId = await platforms.idOf(operation.instance, job.platform);
    const [row] = await db.query<readonly [change: number, ...OperationRow]>(
      SUBMIT,
      submitParams(submission, platformId),
    );
    if (!row) return STALE;
    const [change, ...made] = row;
    const record = toOperation(made);
    const merged = record.job.id !== job.id;
    // Another process may have changed the job that was joined, of which this change of all its operations tells as well.
    if (!merged) own.add(change);
    return { operation: record, merged };
  }

  return {
    submit: async (submission) => {
      try {
        return await untilFresh(() => attempt(submission));
      } catch (error) {
        // A platform that is known here and not there: the database was replaced.
        if (sqlState(error) !== "23503") throw error;
        platforms.forget();
        return untilFresh(() => attempt(submission));
      }
    },
  };
}

function submitParams({ operation, job, outcome, now }: Submission, platformId: number): Param[] {
  const { id, instance, requestMetadata: m, identity } = operation;
  const { action, priority, cacheable, timeoutMs } = job;
  return [
    ...[instance, id, job.id, action.fn.name, action.hash, action.sizeBytes, commandText(job.command), platformId],
    ...[priority, Number(cacheable), timeoutMs, outcome ? COMPLETED : QUEUED, now, outcome ? now : null],
    ...[outcome?.statusCode ?? null, outcome?.exitCode ?? null, outcome ? Number(outcome.cached) : null],
    outcome?.response ?? null,
    ...[m?.toolName ?? null, m?.toolVersion ?? null, m?.actionId ?? null, m?.invocationId ?? null],
    ...[m?.correlatedInvocationsId ?? null, m?.actionMnemonic ?? null, m?.targetId ?? null],
    ...[m?.configurationId ?? null, identity?.actor ?? null, identity?.subject ?? null, identity?.workflow ?? null],
    propertiesText(job.platform),
  ];
}
