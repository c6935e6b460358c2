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
  /** Ids of the platforms known here that the offer fits: of all in whose queues this process was told of a job. */
  fitting(offer: Offer): Promise<readonly number[]>;
  /** Ids of all platforms that the offer fits. */
  allFitting(offer: Offer): Promise<readonly number[]>;
  /** Makes one known before the next that fit are answered. */
  expect(instance: string, requirements: readonly PlatformProperty[]): void;
  get(id: number): Promise<PlatformRecord | undefined>;
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

/**
 * Matches platforms from the store. They are only ever added, so each is read once and matched once per kind of bot, and
 * new ones are looked for only when there is a reason to.
 */
export function createPlatforms(store: Store): Platforms {
  const known = new Map<number, PlatformRecord>();
  const keys = new Set<string>();
  const byOffer = new Map<string, { seen: number; ids: number[] }>();
  const inOrder: PlatformRecord[] = [];
  let mayBeNew = true;

  async function refresh(): Promise<void> {
    mayBeNew = false;
    try {
      for (const platform of await store.platforms(inOrder.at(-1)?.id ?? 0)) add(platform);
    } catch (error) {
      mayBeNew = true;
      throw error;
    }
  }

  function add(platform: PlatformRecord): void {
    if (platform.id <= (inOrder.at(-1)?.id ?? 0)) return;
    inOrder.push(platform);
    known.set(platform.id, platform);
    keys.add(keyOf(platform.instance, platform.properties));
  }

  function match(offer: Offer): readonly number[] {
    const key = offerKey(offer);
    const found = byOffer.get(key) ?? { seen: 0, ids: [] };
    if (found.seen === 0 && byOffer.size >= KINDS_OF_BOTS_REMEMBERED) byOffer.clear();
    byOffer.set(key, found);
    for (; found.seen < inOrder.length; found.seen++) {
      const platform = inOrder[found.seen];
      if (platform && fits(offer, platform.instance, platform.properties)) found.ids.push(platform.id);
    }
    return found.ids;
  }

  return {
    fitting: async (offer) => {
      if (mayBeNew) await refresh();
      return match(offer);
    },
    allFitting: async (offer) => {
      await refresh();
      return match(offer);
    },
    expect: (instance, requirements) => {
      if (!keys.has(keyOf(instance, requirements))) mayBeNew = true;
    },
    get: async (id) => {
      if (!known.has(id)) await refresh();
      return known.get(id);
    },
  };
}

function keyOf(instance: string, requirements: readonly PlatformProperty[]): string {
  return offerKey({ parent: instance, properties: requirements });
}
