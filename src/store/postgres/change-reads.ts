import { toOperation } from "../records.ts";
import { OPERATION_COLUMNS, type OperationRow } from "../rows.ts";
import type { OperationChange, Store } from "../store.ts";
import { type ChangePlaces, META, type Meta } from "./change-places.ts";
import type { Database } from "./database.ts";
import { OPERATION_JOINS } from "./joins.ts";

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

/** The questions about changes; `haveRead` is told each time whether there are some that cannot be read yet. */
export function changeReads(
  db: Database,
  { places, haveRead }: { places: ChangePlaces; haveRead: (areHidden: boolean) => void },
): Pick<Store, "changePosition" | "changesAfter"> {
  return {
    changePosition: places.end,

    changesAfter: async (position, limit) => {
      const from = await places.find(position);
      if (!from) return undefined;
      const rows = await db.query<FoundRow>(CHANGES, [from.changed, from.rowId, limit]);
      const [meta] = rows;
      if (!meta || meta[0] !== from.id || from.changed <= meta[2] || from.changed >= meta[3]) return undefined;
      const found = rows.filter((row) => row[5] !== null);
      haveRead(meta[4] === true);
      const last = found.at(-1);
      const end = last ? places.format(from, Number(last[5]), last[6]) : position;
      return { changes: found.map(toChange), position: end };
    },
  };
}

function toChange([, , , , , , , instance, id, gone, ...operation]: FoundRow): OperationChange {
  return gone
    ? { kind: "deleted", key: { instance, id } }
    : { kind: "changed", operation: toOperation(operation as unknown as OperationRow) };
}
