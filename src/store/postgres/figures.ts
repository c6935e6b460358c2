import type { FigureRecord, Store } from "../store.ts";
import type { Database } from "./database.ts";

/** The statements about figures. */
export const figureQueries = {
  put: {
    name: "put_figures",
    text: `
      INSERT INTO figures (instance, minute, part, counts)
      SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bytea[])
      ON CONFLICT (instance, minute, part) DO UPDATE SET counts = excluded.counts`,
  },
  find: {
    name: "figures",
    text: `
      SELECT minute, part, counts FROM figures WHERE instance = $1 AND minute BETWEEN $2 AND $3
      ORDER BY minute, part`,
  },
  prune: {
    name: "prune_figures",
    text: `
      DELETE FROM figures WHERE (instance, minute, part) IN (
        SELECT instance, minute, part FROM figures WHERE minute < $1 ORDER BY minute LIMIT $2)
      RETURNING 1`,
  },
} as const;

type FigureRow = readonly [minute: number, part: number, counts: Uint8Array];

/** What is counted. */
export function figures(db: Database): Pick<Store, "putFigures" | "figures" | "pruneFigures"> {
  return {
    putFigures: async (records) => {
      await db.query(figureQueries.put, [
        ...[records.map(({ instance }) => instance), records.map(({ minute }) => minute)],
        ...[records.map(({ part }) => part), records.map(({ counts }) => counts)],
      ]);
    },

    figures: async (instance, from, to): Promise<FigureRecord[]> =>
      (await db.query<FigureRow>(figureQueries.find, [instance, from, to])).map(([minute, part, counts]) => {
        return { instance, minute, part, counts };
      }),

    pruneFigures: async (before, limit) => (await db.query(figureQueries.prune, [before, limit])).length,
  };
}
