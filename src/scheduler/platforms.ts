import type { PlatformProperty } from "../operations/operations.ts";
import type { PlatformRecord, Store } from "../store/store.ts";

/** The parent of a bot session that serves every instance. */
export const EVERY_INSTANCE = "*";

/** What a bot can do: the instance it serves (or `*`) and its properties. */
export interface Offer {
  readonly parent: string;
  readonly properties: readonly PlatformProperty[];
}

/** Says which platforms, that is sets of requirements, a bot fits. */
export interface Platforms {
  /** Ids of all platforms known so far that the offer fits. */
  fitting(offer: Offer): Promise<readonly number[]>;
}

/** An offer as one text: bots of the same kind share it, and so share the work of matching. */
export function offerKey(offer: Offer): string {
  const pairs = offer.properties.map((property) => `${property.name}\0${property.value}`).sort();
  return [offer.parent, ...pairs].join("\0\0");
}

/**
 * True when a bot of this offer may run a job of the instance with these requirements: each required pair is among the
 * offered ones. An offered value `*` fits any value of that name.
 */
export function fits(offer: Offer, instance: string, requirements: readonly PlatformProperty[]): boolean {
  if (offer.parent !== EVERY_INSTANCE && offer.parent !== instance) return false;
  return requirements.every((required) =>
    offer.properties.some(
      (offered) => offered.name === required.name && (offered.value === required.value || offered.value === "*"),
    ),
  );
}

const KINDS_OF_BOTS_REMEMBERED = 10_000;

/** Matches platforms from the store. They are only ever added, so each is read once and matched once per kind of bot. */
export function createPlatforms(store: Store): Platforms {
  const known: PlatformRecord[] = [];
  const byOffer = new Map<string, { seen: number; ids: number[] }>();

  async function refresh() {
    const newer = await store.platforms(known.at(-1)?.id ?? 0);
    const last = known.at(-1)?.id ?? 0;
    known.push(...newer.filter((platform) => platform.id > last));
  }

  return {
    fitting: async (offer) => {
      await refresh();
      const key = offerKey(offer);
      const match = byOffer.get(key) ?? { seen: 0, ids: [] };
      if (match.seen === 0 && byOffer.size >= KINDS_OF_BOTS_REMEMBERED) byOffer.clear();
      byOffer.set(key, match);
      for (; match.seen < known.length; match.seen++) {
        const platform = known[match.seen];
        if (platform && fits(offer, platform.instance, platform.properties)) match.ids.push(platform.id);
      }
      return match.ids;
    },
  };
}
