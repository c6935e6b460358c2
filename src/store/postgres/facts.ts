import { type Cause, keptCause } from "../job-event.ts";

/** An expression for the facts of an event, a JSON object: of each key an expression, left out where that is NULL. */
export function factsSql(facts: Readonly<Record<string, string>>): string {
  // Not by the functions for objects of jsonb: it has no NULs, and reasons may.
  const parts = Object.entries(facts).map(([key, sql]) => `'"${key}":' || ${sql}`);
  return `'{' || concat_ws(',', ${parts.join(", ")}) || '}'`;
}

/** An expression for a value in JSON. */
export function jsonSql(sql: string): string {
  return `to_json(${sql})::text`;
}

/** A cause as a parameter in JSON. */
export function causeParam(cause: Cause | undefined): string | null {
  return cause ? JSON.stringify(keptCause(cause)) : null;
}
