import type { SharedStore } from "../shared-store.ts";
import type { Database } from "./database.ts";

const MARK_FOLLOWED = {
  name: "mark_followed",
  text: `
    UPDATE operations o SET followed_at = now()
    FROM unnest($1::text[], $2::text[]) AS followed (instance, id)
    WHERE o.instance = followed.instance AND o.id = followed.id AND o.completed_at IS NULL`,
};

const WAS_FOLLOWED = {
  name: "was_followed",
  text: `
    SELECT 1 FROM operations
    WHERE instance = $1 AND id = $2 AND followed_at > now() - $3::bigint * interval '1 millisecond'`,
};

/** Takes a duty that is free or one's own. */
const HOLD_DUTY = {
  name: "hold_duty",
  text: `
    INSERT INTO duties AS d (name, holder, until) VALUES ($1, $2, now() + $3::bigint * interval '1 millisecond')
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
      WHERE d.holder = excluded.holder OR d.until < now()
    RETURNING 1`,
};

const TIME = { name: "time", text: "SELECT extract(epoch FROM clock_timestamp())::float8 * 1000" };

/** The database's time, in milliseconds since the Unix epoch, with fractions. */
export async function askTime(db: Database): Promise<number> {
  const [row] = await db.query<[number]>(TIME);
  if (!row) throw new Error("the database did not tell its time");
  return row[0];
}

/** What processes tell each other; `holder` is this one. */
export function sharing(db: Database, holder: string): Omit<SharedStore, "clock" | "newsAfter"> {
  return {
    markFollowed: async (keys) => {
      await db.query(MARK_FOLLOWED, [keys.map(({ instance }) => instance), keys.map(({ id }) => id)]);
    },
    wasFollowed: async ({ instance, id }, withinMs) =>
      (await db.query(WAS_FOLLOWED, [instance, id, withinMs])).length > 0,
    holdDuty: async (name, forMs) => (await db.query(HOLD_DUTY, [name, holder, forMs])).length > 0,
  };
}
