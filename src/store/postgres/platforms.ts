import { createHash } from "node:crypto";
import type { PlatformProperty } from "../../operations/operations.ts";
import { propertiesText } from "../records.ts";
import type { Database } from "./database.ts";

const MOST_KNOWN = 10_000;

/** Any number but those of other locks: who has it gives the next platform its id, so that ids come in order. */
const LOCK = 7_308_905_272;

const LOCK_IDS = { name: "lock_platform_ids", text: `SELECT pg_advisory_xact_lock(${LOCK})` };

const FIND = { name: "find_platform", text: "SELECT id FROM platforms WHERE instance = $1 AND digest = $2" };

const INSERT = {
  name: "insert_platform",
  text: "INSERT INTO platforms (instance, properties, digest) VALUES ($1, $2, $3) RETURNING id",
};

const INSERT_PROPERTIES = {
  name: "insert_platform_properties",
  text: `
    INSERT INTO platform_properties (platform_id, position, name, value)
    SELECT $1, position, name, value
    FROM unnest($2::bytea[], $3::bytea[]) WITH ORDINALITY AS property (name, value, position)`,
};

/** The ids of platforms. They are never removed, so that each is asked for once. */
export interface Platforms {
  idOf(instance: string, properties: readonly PlatformProperty[]): Promise<number>;
  /** Forgets what was asked: for a database that turns out to be another one. */
  forget(): void;
}

/** Finds platforms, and makes those that are new. */
export function createPlatforms(db: Database): Platforms {
  const known = new Map<string, number>();

  async function insert(instance: string, text: string, properties: readonly PlatformProperty[]): Promise<number> {
    const digest = createHash("sha256").update(text).digest("hex");
    const find = () => db.query<[id: number]>(FIND, [instance, digest]);
    const found = (await find())[0];
    if (found) return found[0];
    return db.transaction(async (tx) => {
      await tx.query(LOCK_IDS);
      const [made] = await tx.query<[id: number]>(FIND, [instance, digest]);
      if (made) return made[0];
      const [[id = 0] = []] = await tx.query<[id: number]>(INSERT, [instance, text, digest]);
      const [names, values] = [properties.map(({ name }) => bytes(name)), properties.map(({ value }) => bytes(value))];
      await tx.query(INSERT_PROPERTIES, [id, names, values]);
      return id;
    });
  }

  return {
    idOf: async (instance, properties) => {
      const text = propertiesText(properties);
      const key = `${instance}\n${text}`;
      const id = known.get(key) ?? (await insert(instance, text, properties));
      if (known.size >= MOST_KNOWN) known.clear();
      known.set(key, id);
      return id;
    },
    forget: () => known.clear(),
  };
}

function bytes(text: string): Uint8Array {
  return Buffer.from(text);
}
