import type { Stage } from "../operations/operations.ts";

/** The columns of a JobRow, of a job `j`, its platform `p` and its payload `x`. */
export const JOB_COLUMNS = `j.id, j.instance, j.digest_function, j.action_hash, j.action_size, j.command, p.properties,
  j.priority, j.cacheable, j.timeout_ms, j.stage, j.attempts, j.queued_at, j.assigned_at, j.started_at, j.completed_at,
  j.session, j.worker, x.partial_metadata, j.status_code, j.exit_code, j.cached, x.response`;

/** The columns of a CallerRow, of an operation `o`. */
export const CALLER_COLUMNS = `o.tool_name, o.tool_version, o.action_id, o.invocation_id, o.correlated_invocations_id,
  o.action_mnemonic, o.target_id, o.configuration_id, o.client_actor, o.client_subject, o.client_workflow`;

/** The columns of an OperationRow, of an operation `o` and what belongs to its job. */
export const OPERATION_COLUMNS = `o.id, o.instance, o.stage, o.cancelled, o.polled, o.created_at, o.completed_at,
  ${CALLER_COLUMNS}, ${JOB_COLUMNS}`;

/** The columns of a SessionRow. */
export const SESSION_COLUMNS = "name, bot_id, parent, status, capacity, properties, version, expires_at, updated_at";

type NumberOrNull = number | null;
type TextOrNull = string | null;
type BytesOrNull = Uint8Array | null;

/** A job as it comes from the database. */
export type JobRow = readonly [
  id: string,
  instance: string,
  digestFunction: string,
  actionHash: string,
  actionSize: number,
  command: string,
  properties: string,
  priority: number,
  cacheable: number,
  timeoutMs: number,
  stage: Stage,
  attempts: number,
  queuedAt: number,
  assignedAt: NumberOrNull,
  startedAt: NumberOrNull,
  completedAt: NumberOrNull,
  session: TextOrNull,
  worker: TextOrNull,
  partialMetadata: BytesOrNull,
  statusCode: NumberOrNull,
  exitCode: NumberOrNull,
  cached: NumberOrNull,
  response: BytesOrNull,
];

/** What is known of a call, as it comes from the database. */
export type CallerRow = readonly [
  toolName: TextOrNull,
  toolVersion: TextOrNull,
  actionId: TextOrNull,
  invocationId: TextOrNull,
  correlatedInvocationsId: TextOrNull,
  actionMnemonic: TextOrNull,
  targetId: TextOrNull,
  configurationId: TextOrNull,
  actor: TextOrNull,
  subject: TextOrNull,
  workflow: TextOrNull,
];

/** An operation and its job as they come from the database. */
export type OperationRow = readonly [
  id: string,
  instance: string,
  stage: Stage,
  cancelled: number,
  polled: number,
  createdAt: number,
  completedAt: NumberOrNull,
  ...caller: CallerRow,
  ...job: JobRow,
];

/** One of the operations that want a job, and how many of all of them live, as it comes from the database. */
export type JobOperationRow = readonly [id: string, instance: string, stage: Stage, live: number, ...caller: CallerRow];

/** A bot session as it comes from the database. */
export type SessionRow = readonly [
  name: string,
  botId: string,
  parent: string,
  status: number,
  capacity: number,
  properties: string,
  version: number,
  expiresAt: number,
  updatedAt: number,
];
