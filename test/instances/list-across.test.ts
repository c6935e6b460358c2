import assert from "node:assert/strict";
import { test } from "node:test";
import { type Code, StatusError, unavailable } from "../../src/base/errors.ts";
import type { Instance } from "../../src/instances/instances.ts";
import { listAcross } from "../../src/instances/list-across.ts";
import { fakeClock } from "../helpers/fake-clock.ts";

const UNAVAILABLE = 14 satisfies Code;

/** An instance of which a list needs nothing but its operations. */
function instance(name: string, find: Instance["operations"]["find"], defaultFilter = ""): Instance {
  return { name, settings: { defaultFilter, maxPageSize: 10 }, operations: { find } } as unknown as Instance;
}

const fine = instance("fine", async () => []);
const down = instance("down", async () => {
  throw unavailable("the store is down", 1000);
});
const broken = instance("broken", async () => {
  throw new TypeError("a bug");
});
const request = { filter: "", pageSize: 0, pageToken: "", partial: false };

test("the first instance that fails fails the list, by its name", async () => {
  await assert.rejects(listAcross([fine, down], request, fakeClock()), (error) => {
    assert.ok(error instanceof StatusError);
    assert.deepEqual([error.code, error.rawMessage], [UNAVAILABLE, 'instance "down": the store is down']);
    assert.equal(error.details.length, 1);
    return true;
  });
});

test("a partial list names the instances that fail", async () => {
  const page = await listAcross([down, fine], { ...request, partial: true }, fakeClock());
  assert.deepEqual(page.unreachable, ["down"]);
});

test("a bug is no unreachable instance", async () => {
  await assert.rejects(listAcross([fine, broken], { ...request, partial: true }, fakeClock()), TypeError);
});

test("the default filter is that of all, or that of opgrid where they differ", async () => {
  const filters: string[] = [];
  const noting = (name: string, defaultFilter: string) =>
    instance(
      name,
      async ({ filter }) => {
        filters.push(JSON.stringify(filter));
        return [];
      },
      defaultFilter,
    );
  await listAcross([noting("a", "stage=QUEUED"), noting("b", "stage=QUEUED")], request, fakeClock());
  await listAcross([noting("a", "stage=QUEUED"), noting("b", "")], request, fakeClock());
  const compare = (op: string, value: number) => JSON.stringify({ kind: "compare", key: "stage", op, value });
  const kinds = filters.map((text) => [compare("=", 2), compare("!=", 4)].find((each) => text.includes(each)));
  assert.deepEqual(kinds, [compare("=", 2), compare("=", 2), compare("!=", 4), compare("!=", 4)]);
});
