import { toOperation } from "../records.ts";
import { OPERATION_COLUMNS, type OperationRow } from "../rows.ts";
import type { ChangePosition, OperationChange, Store } from "../store.ts";
import type { Database } from "./database.ts";
import { OPERATION_JOINS } from "./joins.ts";

/**
 * A change has the number of its transaction. Numbers are given out when transactions begin to write, not when they
 * commit, so that a change can appear behind what somebody has read already. Therefore only what lies before the oldest
 * transaction that is still going on is read: nothing can appear there any more.
 */
const META = `
  SELECT id, base, forgotten, pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS horizon FROM changes`;

/** Answers where the readable changes end. */
export const POSITION = { name: "change_position", text: META };

/**
 * Answers the meta data and whether there are changes that cannot be read yet, and beside them the changes after a place.
 * One statement, as all must be of one view.
 */
export const CHANGES = {
  name: "changes_after",
  text: `
    WITH meta AS MATERIALIZED (${META}), found AS MATERIALIZED (
      SELECT * FROM (
        (SELECT changed, row_id, instance, id, false AS gone FROM operations
          WHERE (changed, row_id) > ($1::bigint, $2::bigint) AND changed < (SELECT horizon FROM meta)
          ORDER BY changed, row_id LIMIT $3)
        UNION ALL
        (SELECT changed, row_id, instance, id, true AS gone FROM deleted_operations
          WHERE (changed, row_id) > ($1::bigint, $2::bigint) AND changed < (SELECT horizon FROM meta)
          ORDER BY changed, row_id LIMIT $3)
      ) either ORDER BY changed, row_id LIMIT $3
    )
    SELECT meta.id, meta.base, meta.forgotten, meta.horizon,
      greatest((SELECT max(changed) FROM operations), (SELECT max(changed) FROM deleted_operations)) >= meta.horizon,
      f.changed, f.row_id, f.instance, f.id, f.gone, ${OPERATION_COLUMNS}
    FROM meta LEFT JOIN found f ON true
    LEFT JOIN operations o ON NOT f.gone AND o.instance = f.instance AND o.id = f.id ${OPERATION_JOINS}
    ORDER BY f.changed, f.row_id`,
};

type Meta = readonly [id: string, base: number, forgotten: number, horizon: number];
type FoundRow = readonly [
  ...meta: Meta,
  waiting: boolean | null,
  changed: number | null,
  rowId: number,
  instance: string,
  id: string,
  gone: boolean,
  ...operation: OperationRow,
];

const POSITION_TEXT = /^([0-9a-f]{32})\.(0|[1-9]\d{0,15})\.(0|[1-9]\d{0,15})$/;

/** The questions about changes; `haveRead` is told each time whether there are some that cannot be read yet. */
export function changeReads(
  db: Database,
  haveRead: (areHidden: boolean) => void,
): Pick<Store, "changePosition" | "changesAfter"> {
  let known: { readonly id: string; readonly base: number } | undefined;
  const format = (id: string, base: number, changed: number, rowId: number): ChangePosition =>
    `${id}.${changed - base}.${rowId}`;

  return {
    changePosition: async () => {
      const [meta] = await db.query<Meta>(POSITION);
      if (!meta) throw new Error("the database has lost the row of its changes");
      const [id, base, , horizon] = meta;
      return format(id, base, horizon - 1, Number.MAX_SAFE_INTEGER);
    },

    changesAfter: async (position, limit) => {
      const [, wantedId, changed, rowId] = POSITION_TEXT.exec(position) ?? [];
      if (wantedId === undefined) return undefined;
      const base = await baseOf(wantedId);
      if (base === undefined) return undefined;
      const from = { changed: base + Number(changed), rowId: Number(rowId) };
      const rows = await db.query<FoundRow>(CHANGES, [from.changed, from.rowId, limit]);
      const [meta] = rows;
      if (!meta || meta[0] !== wantedId || from.changed <= meta[2] || from.changed >= meta[3]) return undefined;
      const found = rows.filter((row) => row[5] !== null);
      haveRead(meta[4] === true);
      const last = found.at(-1);
      const end = last ? format(wantedId, base, Number(last[5]), last[6]) : position;
      return { changes: found.map(toChange), position: end };
    },
  };

  /** Positions are relative to the birth of the database, which a position of another database says nothing about. */
  async function baseOf(id: string): Promise<number | undefined> {
    if (known?.id !== id) {
      const [meta] = await db.query<Meta>(POSITION);
      known = meta && { id: meta[0], base: meta[1] };
    }
    return known?.id === id ? known.base : undefined;
  }
}

function toChange([, , , , , , , instance, id, gone, ...operation]: FoundRow): OperationChange {
  return gone
    ? { kind: "deleted", key: { instance, id } }
    : { kind: "changed", operation: toOperation(operation as unknown as OperationRow) };
}
