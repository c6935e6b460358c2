import type { DatabaseSync } from "node:sqlite";
import type { FigureRecord } from "../store.ts";
import { prepare } from "./connection.ts";
import type { LongReads } from "./read-thread.ts";
import type { ThreadCalls } from "./thread-calls.ts";

/** The texts of the statements about figures. */
export const figureQueries = {
  find: "SELECT minute, part, counts FROM figures WHERE instance = ? AND minute BETWEEN ? AND ? ORDER BY minute, part",
  prune: `
    DELETE FROM figures WHERE (instance, minute, part) IN (
      SELECT instance, minute, part FROM figures WHERE minute < ? ORDER BY minute LIMIT ?)`,
} as const;

const PUT = `
  INSERT INTO figures (instance, minute, part, counts) VALUES (?, ?, ?, ?)
  ON CONFLICT (instance, minute, part) DO UPDATE SET counts = excluded.counts`;

type FigureRow = readonly [minute: number, part: number, counts: Uint8Array];

/** The changes of figures. */
export function figureWrites(db: DatabaseSync) {
  const put = prepare(db, PUT);
  const prune = prepare(db, figureQueries.prune);
  return {
    putFigures: (records: readonly FigureRecord[]): void => {
      for (const { instance, minute, part, counts } of records) put.run(instance, minute, part, counts);
    },

    pruneFigures: (before: number, limit: number): number => prune.run(before, limit),
  };
}

/** The questions about figures, which go to the reading thread: a day is thousands of rows. */
export function figureReads(longReads: ThreadCalls<LongReads>) {
  return {
    figures: async (instance: string, from: number, to: number): Promise<FigureRecord[]> => {
      const rows = await longReads.call("rows", figureQueries.find, [instance, from, to]);
      return (rows as unknown as FigureRow[]).map(([minute, part, counts]) => ({ instance, minute, part, counts }));
    },
  };
}
