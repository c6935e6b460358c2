import type { SharedStore } from "../shared-store.ts";
import { QUEUED } from "../stages.ts";
import { type ChangePlaces, META, type Meta } from "./change-places.ts";
import type { Database } from "./database.ts";
import type { OwnChanges } from "./own-changes.ts";

/**
 * The changes after a place, as far as those need them who wait for operations and for work. Deletions are none. One
 * statement, as all must be of one view.
 */
export const NEWS = {
  name: "news_after",
  text: `
    WITH meta AS MATERIALIZED (${META}), news AS MATERIALIZED (
      SELECT changed, row_id, job_id,
        CASE WHEN stage = ${QUEUED} THEN (SELECT platform_id FROM jobs j WHERE j.id = job_id) END AS platform_id
      FROM operations
      WHERE (changed, row_id) > ($1::bigint, $2::bigint) AND changed < (SELECT horizon FROM meta)
      ORDER BY changed, row_id LIMIT $3
    )
    SELECT meta.id, meta.base, meta.forgotten, meta.horizon,
      (SELECT max(changed) FROM operations) >= meta.horizon, news.*
    FROM meta LEFT JOIN news ON true ORDER BY news.changed, news.row_id`,
};

type NewsRow = readonly [
  ...meta: Meta,
  waiting: boolean | null,
  changed: number | null,
  rowId: number,
  jobId: string,
  platformId: number | null,
];

/** The question about news; `haveRead` is told each time whether there are some that cannot be read yet. */
export function newsReads(
  db: Database,
  { places, own, haveRead }: { places: ChangePlaces; own: OwnChanges; haveRead: (areHidden: boolean) => void },
): Pick<SharedStore, "newsAfter"> {
  return {
    newsAfter: async (position, limit) => {
      const from = await places.find(position);
      const rows = from ? await db.query<NewsRow>(NEWS, [from.changed, from.rowId, limit]) : [];
      const [meta] = rows;
      // Deletions do not matter here, nor whether they are forgotten.
      if (!from || !meta || meta[0] !== from.id || from.changed >= meta[3]) {
        own.clear();
        return undefined;
      }
      haveRead(meta[4] === true);
      const found = rows.filter((row) => row[5] !== null);
      const foreign = found.filter((row) => !own.has(Number(row[5])));
      const last = found.at(-1);
      own.forgetUpTo(Number(last?.[5] ?? 0) - 1);
      return {
        jobs: [...new Set(foreign.map((row) => row[7]))],
        queued: new Map(foreign.flatMap((row) => (row[8] === null ? [] : [[row[7], row[8]]]))),
        position: last ? places.format(from, Number(last[5]), last[6]) : position,
        more: found.length === limit,
      };
    },
  };
}
