import { METADATA_TYPE_URL, type ScalarKey, scalarKeys } from "../../operations/operations.ts";
import { commonColumns } from "../columns.ts";
import { COMPLETED } from "../stages.ts";

/** What stands for a key in a statement about operations `o` and their jobs `j`. */
export interface Column {
  readonly sql: string;
  readonly nullable: boolean;
  readonly text: boolean;
}

const expressions: Readonly<Record<ScalarKey, string>> = {
  ...commonColumns,
  done: `(o.stage = ${COMPLETED})::int`,
  update_time: "coalesce(o.completed_at, greatest(o.created_at, j.assigned_at, j.started_at))",
  // greatest() passes over what is NULL.
  queue_duration: "CASE WHEN j.started_at IS NOT NULL THEN greatest(0, j.started_at - j.queued_at) END",
  "metadata.@type": `'${METADATA_TYPE_URL}'::text COLLATE "C"`,
};

/** The column or expression of a key. */
export function columnOf(key: ScalarKey): Column {
  const { nullable, type } = scalarKeys[key];
  return { sql: expressions[key], nullable, text: type.name === "text" };
}
