import type { ChangePosition } from "../store.ts";
import type { Database } from "./database.ts";

/**
 * A change has the number of its transaction. Numbers are given out when transactions begin to write, not when they
 * commit, so that a change can appear behind what somebody has read already. Therefore only what lies before the oldest
 * transaction that is still going on is read: nothing can appear there any more.
 */
export const META = `
  SELECT id, base, forgotten, pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS horizon FROM changes`;

/** A row of META. */
export type Meta = readonly [id: string, base: number, forgotten: number, horizon: number];

const POSITION = { name: "change_position", text: META };
const POSITION_TEXT = /^([0-9a-f]{32})\.(0|[1-9]\d{0,15})\.(0|[1-9]\d{0,15})$/;

interface Origin {
  readonly id: string;
  readonly base: number;
}

/** A position as the database has it. */
export interface ChangePlace extends Origin {
  readonly changed: number;
  readonly rowId: number;
}

/** What positions mean. They are relative to the birth of the database, which one of another database says nothing about. */
export interface ChangePlaces {
  /** Where the readable changes end. */
  end(): Promise<ChangePosition>;
  /** Undefined when the position is none of this database. */
  find(position: ChangePosition): Promise<ChangePlace | undefined>;
  format(origin: Origin, changed: number, rowId: number): ChangePosition;
}

/** Translates positions. */
export function changePlaces(db: Database): ChangePlaces {
  let known: Origin | undefined;
  const format = ({ id, base }: Origin, changed: number, rowId: number) => `${id}.${changed - base}.${rowId}`;

  async function originOf(wantedId: string): Promise<Origin | undefined> {
    if (known?.id !== wantedId) {
      const [meta] = await db.query<Meta>(POSITION);
      known = meta && { id: meta[0], base: meta[1] };
    }
    return known?.id === wantedId ? known : undefined;
  }

  return {
    format,

    end: async () => {
      const [meta] = await db.query<Meta>(POSITION);
      if (!meta) throw new Error("the database has lost the row of its changes");
      const [id, base, , horizon] = meta;
      return format({ id, base }, horizon - 1, Number.MAX_SAFE_INTEGER);
    },

    find: async (position) => {
      const [, wantedId, changed, rowId] = POSITION_TEXT.exec(position) ?? [];
      const origin = wantedId === undefined ? undefined : await originOf(wantedId);
      return origin && { ...origin, changed: origin.base + Number(changed), rowId: Number(rowId) };
    },
  };
}
