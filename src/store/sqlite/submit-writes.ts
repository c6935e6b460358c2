import type { DatabaseSync } from "node:sqlite";
import { JobEventKind } from "../job-event.ts";
import { OPERATION_COLUMNS, type OperationRow } from "../rows.ts";
import { COMPLETED, QUEUED } from "../stages.ts";
import type { ChangeStatements } from "./change-statements.ts";
import { prepare } from "./connection.ts";
import type { EventStatements } from "./event-statements.ts";
import type { JobStatements } from "./job-statements.ts";
import { OPERATION_JOINS } from "./joins.ts";
import type { PlainSubmission } from "./write-requests.ts";

/** Finds the live job that a submission may join. */
export const FIND_LIVE_JOB = `
  SELECT id, stage, queued_at FROM jobs
  WHERE instance = ? AND action_hash = ? AND action_size = ? AND digest_function = ?
    AND stage < ${COMPLETED} AND cacheable = 1`;

const INSERT_JOB = `
  INSERT INTO jobs (id, instance, digest_function, action_hash, action_size, command, platform_id, priority, cacheable,
    timeout_ms, stage, attempts, queued_at, completed_at, status_code, exit_code, cached)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)`;

const INSERT_OPERATION = `
  INSERT INTO operations (instance, id, job_id, stage, cancelled, polled, created_at, queued_at, completed_at,
    tool_name, tool_version, action_id, invocation_id, correlated_invocations_id, action_mnemonic, target_id,
    configuration_id, client_actor, client_subject, client_workflow, changed)
  VALUES (?, ?, ?, ?, 0, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

const RAISE_PRIORITY = `UPDATE jobs SET priority = ? WHERE id = ? AND stage = ${QUEUED} AND priority > ?`;

/** What an operation copies from its job. */
type JobHead = readonly [id: string, stage: number, queuedAt: number];

/** The transition that makes operations, and jobs where need be. */
export function submitWrites(
  db: DatabaseSync,
  jobs: JobStatements,
  events: EventStatements,
  changes: ChangeStatements,
) {
  const findLiveJob = prepare<JobHead>(db, FIND_LIVE_JOB);
  const raisePriority = prepare(db, RAISE_PRIORITY);
  const countOperations = prepare<[number]>(db, "SELECT count(*) FROM operations WHERE job_id = ?");
  const insertJob = createInsertJob(db, jobs);
  const insertOperation = createInsertOperation(db, changes);

  function joinLiveJob({ operation, job, outcome }: PlainSubmission): JobHead | undefined {
    if (!job.cacheable || outcome) return undefined;
    const { hash, sizeBytes, functionName } = job.action;
    const live = findLiveJob.get(operation.instance, hash, sizeBytes, functionName);
    if (live && raisePriority.run(job.priority, live[0], job.priority) > 0) jobs.followStage(live[0], QUEUED);
    return live;
  }

  function note({ operation, outcome, now }: PlainSubmission, jobId: string, merged: boolean): void {
    const operations = merged ? (countOperations.get(jobId)?.[0] ?? 1) : 1;
    events.append(jobId, JobEventKind.NEW_OPERATION, now, { operation: operation.id, operations });
    if (!outcome) return;
    events.append(jobId, JobEventKind.COMPLETION, now, { statusCode: outcome.statusCode, durationMs: 0 });
  }

  return {
    submit: (submission: PlainSubmission): { row: OperationRow; merged: boolean } => {
      const live = joinLiveJob(submission);
      const job = live ?? insertJob(submission);
      const row = insertOperation(submission, job);
      note(submission, job[0], live !== undefined);
      return { row, merged: live !== undefined };
    },
  };
}

function createInsertJob(db: DatabaseSync, jobs: JobStatements): (submission: PlainSubmission) => JobHead {
  const platformId = createPlatformId(db);
  const insert = prepare(db, INSERT_JOB);
  return ({ operation: { instance }, job, outcome, now }) => {
    const { id, action, command, priority, timeoutMs } = job;
    const stage = outcome ? COMPLETED : QUEUED;
    const ending = outcome
      ? [now, outcome.statusCode, outcome.exitCode ?? null, Number(outcome.cached)]
      : [null, null, null, null];
    insert.run(
      ...[id, instance, action.functionName, action.hash, action.sizeBytes, command],
      ...[platformId(instance, job.platform), priority, Number(job.cacheable), timeoutMs, stage, now, ...ending],
    );
    if (outcome) jobs.putResponse(id, outcome.response);
    return [id, stage, now];
  };
}

function createPlatformId(db: DatabaseSync): (instance: string, properties: string) => number {
  const find = prepare<[number]>(db, "SELECT id FROM platforms WHERE instance = ? AND properties = ?");
  const insert = prepare<[number]>(db, "INSERT INTO platforms (instance, properties) VALUES (?, ?) RETURNING id");
  return (instance, properties) => {
    const row = find.get(instance, properties) ?? insert.get(instance, properties);
    if (!row) throw new Error("the new platform has no id");
    return row[0];
  };
}

function createInsertOperation(
  db: DatabaseSync,
  changes: ChangeStatements,
): (submission: PlainSubmission, job: JobHead) => OperationRow {
  const insert = prepare(db, INSERT_OPERATION);
  const find = prepare<OperationRow>(
    db,
    `SELECT ${OPERATION_COLUMNS} FROM operations o ${OPERATION_JOINS} WHERE o.instance = ? AND o.id = ?`,
  );
  return ({ operation, now }, [jobId, stage, queuedAt]) => {
    const { instance, id, requestMetadata: m, identity } = operation;
    insert.run(
      ...[instance, id, jobId, stage, now, queuedAt, stage === COMPLETED ? now : null],
      ...[m?.toolName ?? null, m?.toolVersion ?? null, m?.actionId ?? null, m?.invocationId ?? null],
      ...[m?.correlatedInvocationsId ?? null, m?.actionMnemonic ?? null, m?.targetId ?? null],
      ...[m?.configurationId ?? null],
      ...[identity?.actor ?? null, identity?.subject ?? null, identity?.workflow ?? null, changes.next()],
    );
    const row = find.get(instance, id);
    if (!row) throw new Error("the new operation is not there");
    return row;
  };
}
