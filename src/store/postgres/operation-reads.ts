import { toOperation } from "../records.ts";
import type { OperationRow } from "../rows.ts";
import type { Store } from "../store.ts";
import type { Database } from "./database.ts";
import { listSql } from "./list-sql.ts";
import { createOperationLookup } from "./operation-lookup.ts";

/** Finds all that has not ended. */
export const LIVE_OPERATIONS = {
  name: "live_operations",
  text: "SELECT instance, id, polled FROM operations WHERE completed_at IS NULL ORDER BY instance, queued_at, id",
};

type LiveRow = readonly [instance: string, id: string, polled: number];

/** The questions about operations. */
export function operationReads(db: Database): Pick<Store, "getOperation" | "listOperations" | "liveOperations"> {
  return {
    getOperation: createOperationLookup(db),

    listOperations: async (query) => {
      const { text, params } = listSql(query);
      return (await db.query<OperationRow>(text, params)).map(toOperation);
    },

    liveOperations: async () =>
      (await db.query<LiveRow>(LIVE_OPERATIONS)).map(([instance, id, polled]) => {
        return { instance, id, polled: polled === 1 };
      }),
  };
}
