import { METADATA_TYPE_URL, type ScalarKey, scalarKeys } from "../../operations/operations.ts";
import { commonColumns } from "../columns.ts";
import { COMPLETED } from "../stages.ts";

/** What stands for a key in a statement about operations `o` and their jobs `j`. */
export interface Column {
  readonly sql: string;
  readonly nullable: boolean;
}

const expressions: Readonly<Record<ScalarKey, string>> = {
  ...commonColumns,
  done: `(o.stage = ${COMPLETED})`,
  update_time: "coalesce(o.completed_at, max(o.created_at, coalesce(j.assigned_at, 0), coalesce(j.started_at, 0)))",
  queue_duration: "max(0, j.started_at - j.queued_at)",
  "metadata.@type": `'${METADATA_TYPE_URL}'`,
};

/** The column or expression of a key. */
export function columnOf(key: ScalarKey): Column {
  return { sql: expressions[key], nullable: scalarKeys[key].nullable };
}
