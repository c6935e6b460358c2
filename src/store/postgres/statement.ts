/** What a parameter may be. Arrays are arrays of the database. */
export type Param = null | number | string | Uint8Array | readonly (number | string | Uint8Array)[];

/** A statement of fixed text, which a connection prepares once under the name. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** Runs statements. Rows are tuples in the order of the columns. */
export interface Queries {
  /** A statement without a name is planned for the very parameters that it gets. */
  query<Row extends readonly unknown[]>(statement: Statement | string, params?: readonly Param[]): Promise<Row[]>;
}

/** The number of the present transaction: the time of a change, by which changes are read in order. */
export const THIS_CHANGE = "pg_current_xact_id()::text::bigint";

/** Text has no NULs in PostgreSQL: this is what is kept in place of one that may have some. */
export function plainText(text: string): string {
  return text.includes("\0") ? text.replaceAll("\0", "\ufffd") : text;
}

/** What is looked up is changed in the same way as what was stored. */
export function plainParam(param: Param): Param {
  if (typeof param === "string") return plainText(param);
  return Array.isArray(param) ? param.map((item) => plainParam(item) as number | string | Uint8Array) : param;
}
