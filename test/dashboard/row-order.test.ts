import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { createRows, type Row } from "../../dashboard/src/operations/row.ts";
import { rowOrder } from "../../dashboard/src/operations/row-order.ts";
import { ExecuteResponseSchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import {
  compareText,
  type OperationRecord,
  outcomeOf,
  type SortKey,
  Stage,
  sortKeys,
  sortValuesOf,
  toSummary,
} from "../../src/operations/operations.ts";
import { recordOf } from "../operations/records.ts";

const words = fc.constantFrom("", "a", "b", "ab", "Z", "ä", "\u{1f600}", "\uffee");
const times = fc.integer({ min: 1, max: 6 });
const metadata = fc.record({
  ...{ toolName: words, toolVersion: words, actionId: words, invocationId: words, correlatedInvocationsId: words },
  ...{ actionMnemonic: words, targetId: words, configurationId: words },
});
const identities = fc.record({ actor: words, subject: words, workflow: words }).map(({ actor, subject, workflow }) => ({
  ...{ actor: `${actor}.`, subject: `${subject}.`, workflow: `${workflow}.` },
}));
const outcomes = fc
  .record({ exitCode: fc.nat(3), code: fc.constantFrom(0, 0, 4), cached: fc.boolean() })
  .map(({ exitCode, code, cached }) => {
    const response = code ? { status: { code } } : { result: { exitCode } };
    return outcomeOf(create(ExecuteResponseSchema, response), { cached });
  });

/** Operations as they may be, also such as seldom are. */
const records: fc.Arbitrary<OperationRecord> = fc
  .record({
    ...{ id: fc.uuid(), requestMetadata: fc.option(metadata), identity: fc.option(identities), command: words },
    ...{
      worker: fc.option(words.map((word) => `w${word}`)),
      priority: fc.integer({ min: -2, max: 2 }),
      attempts: fc.nat(2),
    },
    ...{ queuedAt: times, startedAt: fc.option(times), completedAt: times, outcome: fc.option(outcomes) },
    ...{ cancelled: fc.boolean(), hash: fc.constantFrom("aa", "bb"), sizeBytes: fc.nat(2) },
  })
  .map((draw) => {
    const done = draw.outcome !== null;
    const { completedAt, cancelled } = draw;
    const job = {
      ...{ command: draw.command, priority: draw.priority, attempts: draw.attempts, queuedAt: draw.queuedAt },
      ...{ worker: draw.worker ?? undefined, startedAt: draw.startedAt ?? undefined },
      ...{ outcome: draw.outcome ?? undefined, completedAt: done ? completedAt : undefined },
      stage: done ? Stage.COMPLETED : draw.startedAt === null ? Stage.QUEUED : Stage.EXECUTING,
    };
    const base = recordOf(
      {
        ...{ id: draw.id, cancelled, stage: cancelled ? Stage.COMPLETED : job.stage },
        ...{ completedAt: done || cancelled ? completedAt : undefined, createdAt: draw.queuedAt },
        ...{ requestMetadata: draw.requestMetadata ?? undefined, identity: draw.identity ?? undefined },
      },
      job,
    );
    const action = { ...base.job.action, hash: draw.hash, sizeBytes: draw.sizeBytes };
    return { ...base, job: { ...base.job, action } };
  });

/** As the server orders. */
function serverOrder(a: OperationRecord, b: OperationRecord, key: SortKey, descending: boolean): number {
  const [x = null] = sortValuesOf(a, [{ key, descending }]);
  const [y = null] = sortValuesOf(b, [{ key, descending }]);
  if (x === y) return compareText(a.id, b.id);
  const missing = Number(x !== null) - Number(y !== null);
  const sign = missing || (typeof x === "string" ? compareText(x, String(y)) : Number(x) - Number(y));
  return descending ? -sign : sign;
}

for (const key of Object.keys(sortKeys) as SortKey[]) {
  test(`rows by ${key} are in the server's order`, () => {
    const toRow = createRows();
    fc.assert(
      fc.property(
        fc.uniqueArray(records, { maxLength: 8, selector: ({ id }) => id }),
        fc.boolean(),
        (all, descending) => {
          const order = rowOrder(`sort_order = ${key}${descending ? "(desc)" : ""}`);
          const rows: Row[] = all.map((record) => toRow(toSummary(record))).sort(order);
          const expected = all.toSorted((a, b) => serverOrder(a, b, key, descending));
          assert.deepEqual(
            rows.map(({ name }) => name),
            expected.map(({ id }) => `main/${id}`),
          );
        },
      ),
    );
  });
}
