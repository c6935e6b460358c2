import { describe, type TestContext, test } from "node:test";
import fc from "fast-check";
import type { Store } from "../../src/store/store.ts";
import { type Backend, backends, openStore, temporaryDir } from "../helpers/open-store.ts";
import { Crowd } from "../helpers/store-crowd.ts";
import { empty, Game } from "../helpers/store-game.ts";
import { anyStep, makePlatforms, type Step } from "../helpers/store-steps.ts";

// The same on each engine. STORE_MODEL_RUNS asks for so many times as many runs, STORE_MODEL_SEED for others.
const SEED = Number(process.env.STORE_MODEL_SEED ?? 20_260_101);
const TIMES = Number(process.env.STORE_MODEL_RUNS ?? 1);

for (const backend of backends) {
  describe(`random calls in ${backend}`, () => {
    test("one after another are answered as by the model, and leave the same state and changes", async (t) => {
      const stores = await openStores(t, backend);
      await playAll(stores, fc.array(fc.tuple(anyStep), { minLength: 1, maxLength: 60, size: "max" }), 16);
    });

    test("at once are answered as in some order, and leave the state and changes of that order", async (t) => {
      const stores = await openStores(t, backend);
      const any = fc.array(anyStep, { minLength: 1, maxLength: 3, size: "max" });
      // Half of them are about one thing, so that they race.
      const together = fc
        .tuple(any, fc.option(fc.nat(3), { freq: 2 }))
        .map(([steps, a]) => (a === null ? steps : about(a, steps)));
      await playAll(stores, fc.array(together, { minLength: 1, maxLength: 30, size: "max" }), 16);
    });

    test("of many who do not wait for each other leave each job and operation ended once, and readers with the truth", async (t) => {
      const stores = await openStores(t, backend);
      const platforms = await makePlatforms(stores[0]);
      const steps = fc.array(anyStep, { minLength: 1, maxLength: 40, size: "max" });
      const property = fc.asyncProperty(fc.array(steps, { minLength: 2, maxLength: 9, size: "max" }), async (all) => {
        await new Crowd(stores, platforms).run(all);
      });
      await fc.assert(
        property.afterEach(() => empty(stores[0])),
        { seed: SEED, numRuns: 8 * TIMES },
      );
    });
  });
}

function about(a: number, steps: readonly Step[]): Step[] {
  return steps.map((step) => ({ ...step, a }));
}

/** Several on one database where the engine has that. */
async function openStores(t: TestContext, backend: Backend): Promise<readonly [Store, ...Store[]]> {
  const dataDir = await temporaryDir(t);
  const first = await openStore(t, backend, { dataDir });
  if (backend === "sqlite") return [first];
  return [first, await openStore(t, backend, { dataDir }), await openStore(t, backend, { dataDir })];
}

async function playAll(
  stores: readonly [Store, ...Store[]],
  games: fc.Arbitrary<(readonly Step[])[]>,
  runs: number,
): Promise<void> {
  const platforms = await makePlatforms(stores[0]);
  const property = fc.asyncProperty(games, async (rounds) => {
    const game = await Game.begin(stores, platforms);
    for (const steps of rounds) await game.play(steps);
    await game.end();
  });
  await fc.assert(
    property.afterEach(() => empty(stores[0])),
    { seed: SEED, numRuns: runs * TIMES },
  );
}
