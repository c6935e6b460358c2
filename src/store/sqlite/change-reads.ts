import type { DatabaseSync } from "node:sqlite";
import { toOperation } from "../records.ts";
import { OPERATION_COLUMNS, type OperationRow } from "../rows.ts";
import type { ChangePage, ChangePosition, OperationChange } from "../store.ts";
import { LAST_CHANGE } from "./change-statements.ts";
import { prepare } from "./connection.ts";
import { OPERATION_JOINS } from "./joins.ts";

/** Finds the operations that changed after a number; the row id goes on among those that changed together. */
export const CHANGED_OPERATIONS = `
  SELECT o.changed, o.rowid, ${OPERATION_COLUMNS} FROM operations o INDEXED BY operations_changed ${OPERATION_JOINS}
  WHERE o.changed > 0 AND (o.changed, o.rowid) > (?, ?) ORDER BY o.changed, o.rowid LIMIT ?`;

/** Finds the deletions after a number. */
export const DELETIONS =
  "SELECT changed, instance, id FROM deleted_operations WHERE changed > ? ORDER BY changed LIMIT ?";

type ChangedRow = readonly [changed: number, rowid: number, ...operation: OperationRow];
type DeletionRow = readonly [changed: number, instance: string, id: string];

interface Place {
  readonly changed: number;
  readonly rowid: number;
}

type PlacedChange = Place & { readonly change: OperationChange };

/** The questions about changes. */
export function changeReads(db: DatabaseSync) {
  const lastChange = prepare<[number]>(db, LAST_CHANGE);
  const changedOperations = prepare<ChangedRow>(db, CHANGED_OPERATIONS);
  const deletions = prepare<DeletionRow>(db, DELETIONS);
  const forgotten = prepare<[number]>(db, "SELECT forgotten FROM changes");
  const begin = prepare(db, "BEGIN");
  const end = prepare(db, "COMMIT");
  const [databaseId = ""] = prepare<[string]>(db, "SELECT id FROM changes").get() ?? [];

  const format = ({ changed, rowid }: Place): ChangePosition => `${databaseId}.${changed}.${rowid}`;
  const last = (): number => lastChange.get()?.[0] ?? 0;

  function parse(position: ChangePosition): Place | undefined {
    const [id, changed, rowid, ...others] = position.split(".");
    const place = { changed: Number(changed), rowid: Number(rowid) };
    const sound = id === databaseId && others.length === 0 && format(place) === position;
    const known = place.changed >= (forgotten.get()?.[0] ?? 0) && place.changed <= last();
    return sound && known ? place : undefined;
  }

  function read(position: ChangePosition, limit: number): ChangePage | undefined {
    const from = parse(position);
    if (!from) return undefined;
    const found = [
      ...changedOperations.all(from.changed, from.rowid, limit).map(placedOperation),
      ...deletions.all(from.changed, limit).map(placedDeletion),
    ].sort((a, b) => a.changed - b.changed || a.rowid - b.rowid);
    const taken = found.slice(0, limit);
    return { changes: taken.map(({ change }) => change), position: format(taken.at(-1) ?? from) };
  }

  return {
    changePosition: (): ChangePosition => format({ changed: last(), rowid: Number.MAX_SAFE_INTEGER }),

    changesAfter: (position: ChangePosition, limit: number): ChangePage | undefined => {
      // Without a common view a change between the statements could be passed over.
      begin.run();
      try {
        return read(position, limit);
      } finally {
        end.run();
      }
    },
  };
}

function placedOperation([changed, rowid, ...row]: ChangedRow): PlacedChange {
  return { changed, rowid, change: { kind: "changed", operation: toOperation(row) } };
}

function placedDeletion([changed, instance, id]: DeletionRow): PlacedChange {
  return { changed, rowid: 0, change: { kind: "deleted", key: { instance, id } } };
}
