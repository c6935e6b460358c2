import type { ScalarKey } from "../operations/operations.ts";

/** The keys for which each engine has an expression of its own. */
export type EngineKey = "done" | "update_time" | "queue_duration" | "metadata.@type";

/** What stands for the other keys in a statement about operations `o` and their jobs `j`: the same in every engine. */
export const commonColumns: Readonly<Record<Exclude<ScalarKey, EngineKey>, string>> = {
  name: "o.id",
  stage: "o.stage",
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
};
