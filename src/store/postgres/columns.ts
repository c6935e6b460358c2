import { METADATA_TYPE_URL, type ScalarKey, scalarKeys } from "../../operations/operations.ts";
import { COMPLETED } from "../stages.ts";

/** What stands for a key in a statement about operations `o` and their jobs `j`. */
export interface Column {
  readonly sql: string;
  readonly nullable: boolean;
  readonly text: boolean;
}

const expressions: Readonly<Record<ScalarKey, string>> = {
  name: "o.id",
  stage: "o.stage",
  done: `(o.stage = ${COMPLETED})::int`,
  cancelled: "o.cancelled",
  "error.code": "CASE o.cancelled WHEN 1 THEN 1 ELSE nullif(j.status_code, 0) END",
  exit_code: "CASE o.cancelled WHEN 0 THEN j.exit_code END",
  cached: "CASE o.cancelled WHEN 0 THEN coalesce(j.cached, 0) ELSE 0 END",
  command: "j.command",
  action_digest: "j.action_digest",
  priority: "j.priority",
  attempts: "j.attempts",
  worker: "j.worker",
  queued_time: "o.queued_at",
  start_time: "j.started_at",
  completed_time: "o.completed_at",
  update_time: "coalesce(o.completed_at, greatest(o.created_at, j.assigned_at, j.started_at))",
  // greatest() passes over what is NULL.
  queue_duration: "CASE WHEN j.started_at IS NOT NULL THEN greatest(0, j.started_at - j.queued_at) END",
  duration: "CASE WHEN o.completed_at >= j.started_at THEN o.completed_at - j.started_at END",
  tool_name: "o.tool_name",
  tool_version: "o.tool_version",
  invocation_id: "o.invocation_id",
  correlated_invocations_id: "o.correlated_invocations_id",
  action_mnemonic: "o.action_mnemonic",
  target_id: "o.target_id",
  configuration_id: "o.configuration_id",
  client_actor: "o.client_actor",
  client_subject: "o.client_subject",
  client_workflow: "o.client_workflow",
  "metadata.@type": `'${METADATA_TYPE_URL}'::text COLLATE "C"`,
};

/** The column or expression of a key. */
export function columnOf(key: ScalarKey): Column {
  const { nullable, type } = scalarKeys[key];
  return { sql: expressions[key], nullable, text: type.name === "text" };
}
