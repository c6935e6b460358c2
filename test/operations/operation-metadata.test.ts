import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import {
  type DigestFunction_Value,
  DigestSchema,
  type ExecutedActionMetadata,
  ExecutedActionMetadataSchema,
  type ExecuteOperationMetadata,
  ExecuteOperationMetadataSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { Code } from "../../src/base/errors.ts";
import {
  failedOutcome,
  isDone,
  type JobRecord,
  type OperationRecord,
  outcomeOf,
  Stage,
  toLroOperation,
} from "../../src/operations/operations.ts";
import {
  completedRecord,
  executingRecord,
  QUEUED_AT,
  ranWith,
  recordOf,
  responseWith,
  unpackMetadata,
} from "./records.ts";

const metadataOf = (record: OperationRecord): ExecuteOperationMetadata =>
  unpackMetadata(toLroOperation(record, "main/op").metadata);
const stamp = (ms: number): Timestamp => timestampFromMs(ms);

const reported = toBinary(
  ExecutedActionMetadataSchema,
  create(ExecutedActionMetadataSchema, {
    worker: "a name of its own",
    queuedTimestamp: stamp(1),
    workerStartTimestamp: { seconds: 7n, nanos: 123_456_789 },
    inputFetchStartTimestamp: stamp(QUEUED_AT + 2100),
  }),
);

test("names the stage, the action and the digest function", () => {
  const metadata = metadataOf(recordOf());
  assert.equal(metadata.stage, Stage.QUEUED);
  assert.equal(metadata.actionDigest?.hash, "ab".repeat(32));
  assert.equal(metadata.actionDigest?.sizeBytes, 142n);
  assert.equal(metadata.digestFunction, 1);
});

test("tells when the job was queued, to the millisecond", () => {
  assert.deepEqual(metadataOf(recordOf()).partialExecutionMetadata?.queuedTimestamp, stamp(QUEUED_AT));
});

test("names worker and start while executing, the assignment standing in for a start not yet reported", () => {
  const assigned = metadataOf(executingRecord()).partialExecutionMetadata;
  assert.equal(assigned?.worker, "bot-1");
  assert.deepEqual(assigned?.workerStartTimestamp, stamp(QUEUED_AT + 1000));
  const started = metadataOf(executingRecord({}, { startedAt: QUEUED_AT + 1200 })).partialExecutionMetadata;
  assert.deepEqual(started?.workerStartTimestamp, stamp(QUEUED_AT + 1200));
  assert.equal(started?.workerCompletedTimestamp, undefined);
});

test("shows what the worker reported, but the server's queue time and bot id", () => {
  const partial = metadataOf(executingRecord({}, { partialMetadata: reported })).partialExecutionMetadata;
  assert.equal(partial?.worker, "bot-1");
  assert.deepEqual(partial?.queuedTimestamp, stamp(QUEUED_AT));
  assert.equal(partial?.workerStartTimestamp?.nanos, 123_456_789);
  assert.deepEqual(partial?.inputFetchStartTimestamp, stamp(QUEUED_AT + 2100));
});

test("a damaged report of a worker is as good as none", () => {
  const partialMetadata = new Uint8Array(40).fill(0xff);
  assert.deepEqual(metadataOf(executingRecord({}, { partialMetadata })), metadataOf(executingRecord()));
});

test("a job that went back to the queue shows nothing of the lost worker", () => {
  const requeued = recordOf(
    {},
    { attempts: 1, worker: "bot-1", assignedAt: 1, startedAt: 2, partialMetadata: reported },
  );
  assert.deepEqual(metadataOf(requeued), metadataOf(recordOf()));
});

test("a job that ran to its end tells when, an earlier end by the worker's own word", () => {
  const record = completedRecord(ranWith(1));
  const ended = metadataOf(record);
  assert.equal(ended.stage, Stage.COMPLETED);
  assert.deepEqual(ended.partialExecutionMetadata?.workerStartTimestamp, stamp(QUEUED_AT + 2000));
  assert.deepEqual(ended.partialExecutionMetadata?.workerCompletedTimestamp, stamp(QUEUED_AT + 3000));
  const own = create(ExecutedActionMetadataSchema, { workerCompletedTimestamp: stamp(QUEUED_AT + 2900) });
  const partialMetadata = toBinary(ExecutedActionMetadataSchema, own);
  const byWorker = metadataOf(completedRecord(ranWith(1), { partialMetadata }));
  assert.deepEqual(byWorker.partialExecutionMetadata?.workerCompletedTimestamp, stamp(QUEUED_AT + 2900));
});

test("a job that did not run to its end claims no completion by a worker", () => {
  const cached = outcomeOf(responseWith(0), { cached: true });
  const fromCache = completedRecord(cached, { worker: undefined, assignedAt: undefined, startedAt: undefined });
  for (const record of [fromCache, completedRecord(failedOutcome(Code.Aborted, "gave up"))]) {
    assert.equal(metadataOf(record).partialExecutionMetadata?.workerCompletedTimestamp, undefined);
  }
});

test("the bytes are the same each time, and change with each change of the state", () => {
  const bytesOf = (record: OperationRecord) =>
    Buffer.from(toLroOperation(record, "main/op").metadata?.value ?? []).toString("hex");
  const states = [
    recordOf(),
    executingRecord(),
    executingRecord({}, { startedAt: QUEUED_AT + 1200 }),
    executingRecord({}, { partialMetadata: reported }),
    completedRecord(ranWith(0)),
  ];
  const encodings = states.map(bytesOf);
  assert.equal(new Set(encodings).size, states.length);
  assert.deepEqual(states.map(bytesOf), encodings);
});

test("the metadata of what waits or was cancelled is encoded as protobuf itself does it", () => {
  const numbers = [0, 1, 127, 128, 999, 1000, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40];
  for (const cancelled of [false, true]) {
    for (const sizeBytes of numbers) {
      for (const queuedAt of [...numbers, QUEUED_AT, 2 ** 32 * 1000, -1]) {
        const plain = cancelled ? recordOf({ cancelled, stage: Stage.COMPLETED }) : recordOf();
        const { job } = plain;
        const record = { ...plain, job: { ...job, queuedAt, action: { ...job.action, sizeBytes } } };
        const { metadata } = toLroOperation(record, "main/op");
        const message = unpackMetadata(metadata);
        assert.deepEqual(message.stage, record.stage);
        assert.deepEqual(message.actionDigest?.hash, job.action.hash);
        assert.deepEqual(message.actionDigest?.sizeBytes, BigInt(sizeBytes));
        assert.deepEqual(message.digestFunction, job.action.fn.wireValue);
        assert.deepEqual(message.partialExecutionMetadata?.queuedTimestamp, stamp(queuedAt));
        assert.deepEqual(metadata?.value, toBinary(ExecuteOperationMetadataSchema, message));
      }
    }
  }
});

/** What the encoder is to say, made of messages. */
function metadataByProtobuf(record: OperationRecord): ExecuteOperationMetadata {
  const { hash, sizeBytes, fn } = record.job.action;
  return create(ExecuteOperationMetadataSchema, {
    stage: record.stage,
    actionDigest: create(DigestSchema, { hash, sizeBytes: BigInt(sizeBytes) }),
    digestFunction: fn.wireValue as DigestFunction_Value,
    partialExecutionMetadata: executionByProtobuf(record),
  });
}

function executionByProtobuf(record: OperationRecord): ExecutedActionMetadata {
  const { job, cancelled } = record;
  if (record.stage < Stage.EXECUTING || cancelled) {
    return create(ExecutedActionMetadataSchema, { queuedTimestamp: stamp(job.queuedAt) });
  }
  const metadata = fromBinary(ExecutedActionMetadataSchema, job.partialMetadata ?? new Uint8Array());
  metadata.queuedTimestamp = stamp(job.queuedAt);
  if (job.worker !== undefined) metadata.worker = job.worker;
  const startedAt = job.startedAt ?? job.assignedAt;
  if (startedAt !== undefined) metadata.workerStartTimestamp ??= stamp(startedAt);
  const ranToItsEnd = isDone(record) && job.outcome?.exitCode !== undefined && !job.outcome.cached;
  if (ranToItsEnd && job.completedAt !== undefined) metadata.workerCompletedTimestamp ??= stamp(job.completedAt);
  return metadata;
}

const milliseconds = fc.oneof(fc.integer({ min: 0, max: 2 * QUEUED_AT }), fc.integer({ min: -10_000, max: 10_000 }));
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const name = fc.string({ unit: "grapheme", maxLength: 100 });

const jobThatRan: fc.Arbitrary<Partial<JobRecord>> = fc.record({
  stage: fc.constantFrom(Stage.EXECUTING, Stage.COMPLETED),
  action: fc.record({
    fn: fc.constant(recordOf().job.action.fn),
    hash: fc.constantFrom("ab".repeat(32), "cd".repeat(64)),
    sizeBytes: fc.oneof(fc.nat(), fc.integer({ min: 0, max: 2 ** 40 })),
  }),
  queuedAt: milliseconds,
  assignedAt: maybe(milliseconds),
  startedAt: maybe(milliseconds),
  completedAt: maybe(milliseconds),
  worker: maybe(name),
  outcome: fc.constantFrom(
    undefined,
    ranWith(0),
    outcomeOf(responseWith(0), { cached: true }),
    failedOutcome(Code.Aborted, "gave up"),
  ),
});

const time = maybe(
  fc.record({
    seconds: fc.oneof(fc.constant(0n), fc.bigInt({ min: -1000n, max: 2n ** 40n })),
    nanos: fc.oneof(fc.constant(0), fc.nat(999_999_999)),
  }),
);
const report = fc
  .record({
    worker: name,
    ...{ queuedTimestamp: time, workerStartTimestamp: time, workerCompletedTimestamp: time },
    ...{ inputFetchStartTimestamp: time, executionCompletedTimestamp: time },
    virtualExecutionDuration: time,
    auxiliaryMetadata: fc.array(fc.record({ typeUrl: name, value: fc.uint8Array({ maxLength: 200 }) }), {
      maxLength: 3,
    }),
  })
  .map((init) => toBinary(ExecutedActionMetadataSchema, create(ExecutedActionMetadataSchema, init)));
const unknownField = fc.integer({ min: 13, max: 5000 }).map((number) => {
  const writer = new BinaryWriter().tag(number, WireType.StartGroup).tag(1, WireType.Varint).bool(true);
  return writer.tag(number, WireType.EndGroup).finish();
});
/** Also such as no encoder makes: with fields in any order, more than once, and unknown. */
const reports = fc
  .array(fc.oneof({ weight: 3, arbitrary: report }, { weight: 1, arbitrary: unknownField }), { maxLength: 3 })
  .map((parts) => new Uint8Array(Buffer.concat(parts)));

test("the metadata of what ran says what protobuf itself would, whatever the worker reported", () => {
  fc.assert(
    fc.property(jobThatRan, maybe(fc.oneof(report, reports)), (job, partialMetadata) => {
      const record = executingRecord({}, { ...job, partialMetadata });
      const { metadata } = toLroOperation(record, "main/op");
      assert.deepEqual(unpackMetadata(metadata), metadataByProtobuf(record));
    }),
    { numRuns: 500 },
  );
});

test("the metadata of what ran without a report is encoded as protobuf itself does it", () => {
  fc.assert(
    fc.property(jobThatRan, (job) => {
      const record = executingRecord({}, job);
      const { metadata } = toLroOperation(record, "main/op");
      assert.deepEqual(metadata?.value, toBinary(ExecuteOperationMetadataSchema, metadataByProtobuf(record)));
    }),
  );
});

test("a record that cannot be encoded spoils no other", () => {
  const broken = executingRecord({}, { queuedAt: Number.NaN });
  assert.throws(() => toLroOperation(broken, "main/op"));
  assert.deepEqual(metadataOf(executingRecord()), metadataByProtobuf(executingRecord()));
});

test("a report that is cut short is as good as none", () => {
  for (const length of [1, 3, reported.length - 1]) {
    const partialMetadata = reported.subarray(0, length);
    assert.deepEqual(metadataOf(executingRecord({}, { partialMetadata })), metadataOf(executingRecord()));
  }
});
