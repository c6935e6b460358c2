import { idOf, type Row } from "./row.ts";

/** What rows say of keys whose values a reader may want to pick from. */
const READ: Readonly<Record<string, (row: Row) => string>> = {
  name: (row) => idOf(row.name),
  worker: (row) => row.worker,
  tool_name: (row) => row.tool,
  tool_version: (row) => row.toolVersion,
  invocation_id: (row) => row.invocation,
  correlated_invocations_id: (row) => row.correlated,
  action_mnemonic: (row) => row.mnemonic,
  target_id: (row) => row.target,
  configuration_id: (row) => row.configuration,
  action_digest: (row) => row.action,
  client_actor: (row) => row.actor,
  client_subject: (row) => row.subject,
  client_workflow: (row) => row.workflow,
  exit_code: (row) => (row.exitCode === undefined ? "" : String(row.exitCode)),
  priority: (row) => String(row.priority),
  attempts: (row) => String(row.attempts),
};

const MOST_ROWS = 5000;
const MOST_VALUES = 1000;

/** The values that rows have of a key, the most frequent first; of the first 5000 rows. */
export function seenValues(rows: readonly Row[], key: string): string[] {
  const read = Object.hasOwn(READ, key) ? READ[key] : undefined;
  if (!read) return [];
  const counts = new Map<string, number>();
  for (let at = 0; at < rows.length && at < MOST_ROWS && counts.size < MOST_VALUES; at++) {
    const value = read(rows[at] as Row);
    if (value !== "") counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([value]) => value);
}
