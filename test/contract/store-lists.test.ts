import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  type Filter,
  matches,
  type OperationQuery,
  type OperationRecord,
  type SortKey,
  type SortTerm,
  type SortValue,
  sortKeys,
  sortValuesOf,
} from "../../src/operations/operations.ts";
import type { Store } from "../../src/store/store.ts";
import { CANCELLED, completeJob, type Farm, openFarm, outcome, START } from "../helpers/farm.ts";
import { backends } from "../helpers/open-store.ts";

const EVERYTHING: Filter = { kind: "and", terms: [] };
const LIVE: Filter = { kind: "compare", key: "stage", op: "!=", value: 4 };
const name: SortTerm = { key: "name", descending: false };

for (const backend of backends) {
  describe(`lists in ${backend}`, () => {
    test("a list has what is live, oldest first", async (t) => {
      const { store, submit } = await openFarm(t, backend);
      const late = await submit({ now: START + 2 });
      const early = await submit({ now: START + 1 });
      const done = await submit({ now: START });
      await completeJob(store, done.job.id);
      await submit({ instance: "other" });
      const order = [{ key: "queued_time", descending: false }, name] as const;
      const query: OperationQuery = { instance: "main", filter: LIVE, order, after: undefined, limit: 10 };
      assert.deepEqual(await store.listOperations(query), [early, late]);
      assert.deepEqual(await store.listOperations({ ...query, limit: 1 }), [early]);
      assert.deepEqual(await store.listOperations({ ...query, instance: "none" }), []);
      assert.deepEqual(await store.listOperations({ ...query, after: [START + 1, early.id] }), [late]);
      assert.deepEqual(await store.listOperations({ ...query, after: [START + 2, late.id] }), []);
    });

    for (const descending of [false, true]) {
      test(`pages run through the rows without a value, ${descending ? "descending" : "ascending"}`, async (t) => {
        const farm = await openFarm(t, backend);
        const all = await populate(farm, 12);
        const order: SortTerm[] = [{ key: "start_time", descending }, name];
        assert.ok(all.some(({ job }) => job.startedAt === undefined));
        assert.ok(all.some(({ job }) => job.startedAt !== undefined));
        assert.deepEqual(await idsByPages(farm.store, EVERYTHING, order, 2), inMemory(all, EVERYTHING, order));
      });
    }

    test("pages stay in step when rows come and go", async (t) => {
      const { store, submit } = await openFarm(t, backend);
      const [a, b, c] = [await submit({ now: START }), await submit({ now: START }), await submit({ now: START + 1 })];
      const order: SortTerm[] = [{ key: "queued_time", descending: false }, name];
      const query: OperationQuery = { instance: "main", filter: EVERYTHING, order, after: undefined, limit: 2 };
      assert.deepEqual(await store.listOperations(query), [a, b]);
      await store.deleteOperation(b);
      const d = await submit({ now: START + 1 });
      assert.deepEqual(await store.listOperations({ ...query, after: sortValuesOf(b, order) }), [c, d]);
    });

    test("any filter in any order by pages of any size is what memory would give", async (t) => {
      const farm = await openFarm(t, backend);
      const all = await populate(farm, 60);
      const property = fc.asyncProperty(filters(all), orders, fc.integer({ min: 1, max: 70 }), async (...input) => {
        const [filter, order, limit] = input;
        assert.deepEqual(await idsByPages(farm.store, filter, order, limit), inMemory(all, filter, order));
      });
      await fc.assert(property, { numRuns: 300 });
    });
  });
}

/** Operations in every state, with many equal and some missing values. */
async function populate(farm: Farm, count: number): Promise<OperationRecord[]> {
  const made: OperationRecord[] = [];
  for (let i = 0; i < count; i++) {
    const wish = { priority: i % 3, now: START + (i % 4), command: commands[i % commands.length] ?? "" };
    const operation = await farm.submit(
      i % 11 === 3 ? { ...wish, outcome: outcome() } : { ...wish, action: `${i % 40}` },
    );
    made.push(operation);
    if (i % 5 === 1) await farm.store.cancelOperation(operation, CANCELLED, START + 20 + (i % 3));
    if (i % 4 === 2) await run(farm, i);
  }
  return Promise.all(made.map((operation) => farm.again(operation).then((now) => now ?? assert.fail())));
}

async function run({ store, lease }: Farm, i: number): Promise<void> {
  const [job] = await lease("main/one");
  if (!job) return;
  if (i % 3 !== 0) await store.reportProgress(job.id, "main/one", new Uint8Array(1), START + 10 + (i % 2));
  if (i % 8 === 2) await completeJob(store, job.id, START + 20 + (i % 3));
}

// In the order of their bytes, which is not that of UTF-16: "\uffee" comes before the emoji.
const commands = ["", "a", "a b", "a%", "b", "\uffee", "\u{1f600}"];

const orders: fc.Arbitrary<SortTerm[]> = fc
  .array(fc.record({ key: fc.constantFrom(...(Object.keys(sortKeys) as SortKey[])), descending: fc.boolean() }), {
    maxLength: 3,
  })
  .chain((terms) => fc.boolean().map((descending) => [...terms, { key: "name", descending }]));

function filters(all: readonly OperationRecord[]): fc.Arbitrary<Filter> {
  const op = fc.constantFrom("=", "!=", "<", "<=", ">", ">=");
  const stage = fc.record({
    kind: fc.constant("compare"),
    key: fc.constant("stage"),
    op,
    value: fc.integer({ min: 0, max: 4 }),
  });
  const id = fc.constantFrom(...all.map((operation) => operation.id));
  const byName = fc.record({ kind: fc.constant("compare"), key: fc.constant("name"), op, value: id });
  const leaf = fc.oneof({ weight: 3, arbitrary: stage }, byName);
  const and = fc.record({ kind: fc.constant("and"), terms: fc.array(leaf, { maxLength: 3 }) });
  return fc.oneof(fc.constant(EVERYTHING), leaf, and) as fc.Arbitrary<Filter>;
}

async function idsByPages(store: Store, filter: Filter, order: SortTerm[], limit: number): Promise<string[]> {
  const ids: string[] = [];
  let after: SortValue[] | undefined;
  for (;;) {
    const page = await store.listOperations({ instance: "main", filter, order, after, limit });
    assert.ok(page.length <= limit);
    assert.ok(!ids.includes(page[0]?.id ?? ""), "a page begins with what was there before");
    ids.push(...page.map(({ id }) => id));
    const last = page.at(-1);
    if (!last || page.length < limit) return ids;
    after = sortValuesOf(last, order);
  }
}

function inMemory(all: readonly OperationRecord[], filter: Filter, order: readonly SortTerm[]): string[] {
  const rows = all.filter((operation) => matches(filter, operation));
  const values = new Map(rows.map((row) => [row, sortValuesOf(row, order)]));
  rows.sort((a, b) => {
    for (const [i, { descending }] of order.entries()) {
      const sign = compare(values.get(a)?.[i] ?? null, values.get(b)?.[i] ?? null);
      if (sign !== 0) return descending ? -sign : sign;
    }
    return 0;
  });
  return rows.map(({ id }) => id);
}

function compare(a: SortValue, b: SortValue): number {
  if (a === null || b === null) return Number(b === null) - Number(a === null);
  if (typeof a === "string" && typeof b === "string") return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return Number(a) - Number(b);
}
