import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  buildQuery,
  type Filter,
  filterAt,
  matches,
  type OperationQuery,
  type OperationRecord,
  parseFilter,
  printFilter,
  type ScalarKey,
  type SortTerm,
  type SortValue,
  scalarKeys,
  sortValuesOf,
} from "../../src/operations/operations.ts";
import type { Store } from "../../src/store/store.ts";
import { CANCELLED, completeJob, type Farm, openFarm, outcome, START } from "../helpers/farm.ts";
import { backends } from "../helpers/open-store.ts";
import { filters, sortTerms, type ValuePool } from "../operations/filters.ts";

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

    for (const [text, changing] of [
      ["sort_order = name", "all"],
      ["sort_order = queued_time", "all"],
      ["sort_order = queued_time(desc) & sort_order = command", "all"],
      ["sort_order = target_id(desc) & sort_order = action_digest", "all"],
      ["tool_name:* & sort_order = queued_time(desc)", "all"],
      ["sort_order = completed_time", "all"],
      ["sort_order = completed_time(desc)", "others"],
      ["sort_order = stage(desc) & sort_order = start_time & sort_order = update_time", "others"],
    ] as const) {
      test(`what stays is listed once, whatever comes, ends and goes meanwhile: ${text}`, async (t) => {
        const farm = await openFarm(t, backend);
        const there = await populate(farm, 60);
        const goes = there.filter((_, i) => i % 5 === 4);
        const stays = there.filter((operation) => !goes.includes(operation));
        const seen: string[] = [];
        let pageToken = "";
        for (let turn = 0; ; turn++) {
          const ask = {
            instance: "main",
            filterText: text,
            defaultFilter: "",
            pageSize: 4,
            pageToken,
            maxPageSize: 100,
          };
          const { query, page } = buildQuery({ ...ask, now: START });
          // Raced, not after one another: a page may see any part of what happens.
          const [rows] = await Promise.all([
            farm.store.listOperations(query),
            disturb(farm, { turn, goes, ends: changing === "all" ? stays : goes }),
          ]);
          const { operations, nextPageToken } = page(rows);
          seen.push(...operations.map(({ id }) => id));
          pageToken = nextPageToken;
          if (pageToken === "") break;
          assert.ok(turn < 200, "the list does not end");
        }
        const known = await Promise.all(stays.map(farm.again));
        const wanted = known.filter((operation) => operation && (!text.startsWith("tool") || isSet(operation)));
        for (const operation of wanted) {
          const times = seen.filter((id) => id === operation?.id).length;
          const moved = text === "sort_order = completed_time" && operation?.completedAt !== before(stays, operation);
          assert.ok(times === 1 || (moved && times === 2), `${operation?.id} was listed ${times} times`);
        }
      });
    }

    test("any filter in any order by pages of any size is what memory would give", async (t) => {
      const farm = await openFarm(t, backend);
      const all = await populate(farm, 80);
      const property = fc.asyncProperty(
        filters(poolOf(all)),
        orders,
        fc.integer({ min: 1, max: 70 }),
        async (...input) => {
          const [filter, order, limit] = input;
          const wanted = inMemory(all, filter, order);
          assert.deepEqual(await idsByPages(farm.store, filter, order, limit), wanted);
          const read = parseFilter(printFilter({ filter, order }));
          assert.deepEqual(inMemory(all, filterAt(read.filter, START), order), wanted);
        },
      );
      await fc.assert(property, { numRuns: 800 });
    });

    test("what one index answers is what memory would give, also with more terms around it", async (t) => {
      const farm = await openFarm(t, backend);
      const all = await populate(farm, 80);
      const key = fc.constantFrom<ScalarKey>(
        ...(["name", "action_digest", "invocation_id", "target_id", "correlated_invocations_id", "worker"] as const),
        ...(["stage", "done", "queued_time", "completed_time"] as const),
      );
      const lead = key.chain((each) => {
        const ops = each === "done" ? fc.constant("=") : fc.constantFrom("=", "=", "<", ">", "<=", ">=", "!=");
        const values = fc.constantFrom(...(poolOf(all).values[each] ?? []));
        return fc.record({ kind: fc.constant("compare"), key: fc.constant(each), op: ops, value: values });
      });
      const terms = fc.tuple(
        fc.array(lead, { minLength: 1, maxLength: 4 }),
        fc.array(filters(poolOf(all)), { maxLength: 1 }),
      );
      const filter = terms.map(
        ([leads, rest]): Filter => ({
          kind: "and",
          terms: [...(leads as Filter[]), ...rest].flatMap((term) => (term.kind === "and" ? term.terms : [term])),
        }),
      );
      const property = fc.asyncProperty(filter, orders, fc.integer({ min: 1, max: 30 }), async (...input) => {
        const [filter, order, limit] = input;
        assert.deepEqual(await idsByPages(farm.store, filter, order, limit), inMemory(all, filter, order));
      });
      await fc.assert(property, { numRuns: 1500 });
    });
  });
}

const isSet = (operation: OperationRecord) => (operation.requestMetadata?.toolName ?? "") !== "";

function before(all: readonly OperationRecord[], operation: OperationRecord | undefined): number | undefined {
  return all.find(({ id }) => id === operation?.id)?.completedAt;
}

/** One insertion, one deletion, one cancellation and one completion, each of another operation every turn. */
async function disturb(
  { store, submit }: Farm,
  { turn, goes, ends }: { turn: number; goes: readonly OperationRecord[]; ends: readonly OperationRecord[] },
): Promise<void> {
  const [gone, cancelled, ended] = [goes[turn], ends[turn * 2], ends[turn * 2 + 1]];
  await Promise.all([
    submit({ ...callerOf(turn), now: START + (turn % 6), command: pick(texts, turn) }),
    gone && store.deleteOperation(gone),
    cancelled && store.cancelOperation(cancelled, CANCELLED, START + 30 + turn),
    ended && completeJob(store, ended.job.id, START + 30 + turn),
  ]);
}

/** Operations in every state, with many equal and some missing values. */
async function populate(farm: Farm, count: number): Promise<OperationRecord[]> {
  const made: OperationRecord[] = [];
  for (let i = 0; i < count; i++) {
    const wish = {
      ...callerOf(i),
      priority: i % 3,
      now: START + (i % 4),
      command: pick(texts, i),
      platform: platformOf(i),
    };
    const operation = await farm.submit(
      i % 11 === 3 ? { ...wish, outcome: outcome({ cached: true }) } : { ...wish, action: `${i % 40}` },
    );
    made.push(operation);
    if (i % 5 === 1) await farm.store.cancelOperation(operation, CANCELLED, START + 20 + (i % 3));
    if (i % 3 === 2) await run(farm, i);
  }
  return Promise.all(made.map((operation) => farm.again(operation).then((now) => now ?? assert.fail())));
}

async function run({ store, lease }: Farm, i: number): Promise<void> {
  const session = `main/${i % 2}`;
  const [job] = await lease(session);
  if (!job) return;
  if (i % 9 !== 2) await store.reportProgress(job.id, session, new Uint8Array(1), START + 10 + (i % 2));
  if (i % 6 === 5) return;
  const ends = [outcome(), outcome({ exitCode: 1 }), { ...outcome({ statusCode: 4 }), exitCode: undefined }];
  const end = { session, outcome: pick(ends, i), actionResult: undefined, startedAt: undefined };
  await store.complete({ jobId: job.id, now: START + 15 + (i % 4), ...end });
}

// In the order of their bytes, which is not that of UTF-16: "\uffee" comes before the emoji.
const texts = ["", "a", "a b", "a%_b", "a*b", "b?[x]", "x\0a", "\uffee", "\u{1f600}"];

function pick<T>(from: readonly T[], i: number): T {
  return from[i % from.length] ?? assert.fail();
}

function callerOf(i: number) {
  const metadata = (n: number) =>
    pick(
      texts.filter((text) => !text.includes("\0")),
      i + n,
    );
  const requestMetadata = {
    ...{ toolName: metadata(0), toolVersion: metadata(1), actionId: "", invocationId: metadata(2) },
    ...{ correlatedInvocationsId: metadata(3), actionMnemonic: metadata(4), targetId: metadata(5) },
    configurationId: metadata(6),
  };
  const identity = { actor: pick(["ci", "\u{1f600}"], i), subject: "s", workflow: pick(["w", "x", "y"], i) };
  return { ...(i % 7 === 0 ? {} : { requestMetadata }), ...(i % 3 === 0 ? {} : { identity }) };
}

function platformOf(i: number) {
  const value = (name: string, values: readonly string[], n: number) => ({ name, value: pick(values, n) });
  const os = value("OSFamily", ["linux", "mac*os", "ä\u{1f600}"], i);
  const two = [value("a b", ["", "x"], i >> 1), value("a b", ["y"], i)];
  return [[], [os], [os, ...two]][i % 3] ?? [];
}

const orders: fc.Arbitrary<SortTerm[]> = sortTerms(3).chain((terms) =>
  fc.boolean().map((descending): SortTerm[] => [...terms, { key: "name", descending }]),
);

/** The values that the rows have, so that filters often fit. */
function poolOf(all: readonly OperationRecord[]): ValuePool {
  const keys = Object.keys(scalarKeys) as ScalarKey[];
  const values = keys.map((key) => {
    const known = new Set(all.map((record) => scalarKeys[key].read(record)).filter((value) => value !== null));
    return [key, [...known].filter((value) => !String(value).includes("\0"))];
  });
  const properties = all.flatMap(({ job }) => job.platform.map(({ name, value }) => [name, value] as const));
  return { values: Object.fromEntries(values), properties };
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
