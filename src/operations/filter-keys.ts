import { digestKey } from "../base/digests.ts";
import type { Comparison, FilterKey, FilterValue, ScalarKey } from "./filter-tree.ts";
import {
  booleanType,
  codeType,
  durationType,
  numberType,
  stageType,
  textType,
  timeType,
  type ValueType,
} from "./filter-values.ts";
import { LONGEST_OPERATION_NAME } from "./names.ts";
import { METADATA_TYPE_URL } from "./pack-any.ts";
import { type OperationRecord, type RequestMetadata, Stage } from "./record.ts";

/** An operator as it is written. */
export type WrittenOperator = Comparison | ":";

/** Everything that the filter language knows of one key. */
export interface FilterKeySpec {
  /** One line for people. */
  readonly description: string;
  readonly type: ValueType;
  readonly operators: readonly WrittenOperator[];
  /** True when some operations have no value. */
  readonly nullable: boolean;
  /** True when `sort_order` accepts it. */
  readonly sortable: boolean;
  /** True when `=` means "contains" and `!=` "does not contain". */
  readonly contains: boolean;
}

/** A key whose value is one text, number or time. */
export interface ScalarKeySpec extends FilterKeySpec {
  /** What the filter's value is compared with, and the order goes by; null where the operation has none. */
  read(record: OperationRecord): FilterValue | null;
}

const EQUALITY: readonly WrittenOperator[] = ["=", "!=", ":"];
const ALL: readonly WrittenOperator[] = ["=", "!=", "<", "<=", ">", ">=", ":"];

function key<V extends FilterValue>(type: ValueType, description: string, read: (record: OperationRecord) => V) {
  const operators = type === booleanType ? EQUALITY : ALL;
  return { description, type, operators, nullable: false, sortable: true, contains: false, read };
}

function maybe(
  type: ValueType,
  description: string,
  read: (record: OperationRecord) => FilterValue | undefined,
): ScalarKeySpec {
  return { ...key(type, description, () => 0), nullable: true, read: (record) => read(record) ?? null };
}

function metadata(field: keyof RequestMetadata, description: string): ScalarKeySpec {
  return maybe(textType, description, (record) => record.requestMetadata?.[field]);
}

const idType: ValueType = {
  ...textType,
  expects: `an operation id without the instance, at most ${LONGEST_OPERATION_NAME} characters`,
  parse: (word) => (word.includes("/") || word.length > LONGEST_OPERATION_NAME ? undefined : word),
};

/** The keys that have one value. What a store has a column for is in the order of the documentation. */
export const scalarKeys: Readonly<Record<ScalarKey, ScalarKeySpec>> = {
  name: key(idType, "The operation's id, without the instance; ids sort by creation", (record) => record.id),
  stage: key(stageType, "How far the operation is; stages are ordered", (record) => record.stage),
  done: key(booleanType, "Whether the operation has ended, in whatever way", (record) =>
    Number(record.stage === Stage.COMPLETED),
  ),
  cancelled: key(booleanType, "Whether the operation was cancelled", (record) => Number(record.cancelled)),
  "error.code": maybe(codeType, "Why the operation failed; 1, CANCELLED, for a cancelled one", errorCode),
  exit_code: maybe(numberType, "The exit code of a command that ran to its end", ({ cancelled, job }) =>
    cancelled ? undefined : job.outcome?.exitCode,
  ),
  cached: key(booleanType, "Whether the action cache had the answer", ({ cancelled, job }) =>
    Number(!cancelled && job.outcome?.cached === true),
  ),
  command: {
    ...key(textType, "The command's arguments, joined by spaces", (record) => record.job.command),
    contains: true,
  },
  action_digest: key(textType, "The action, as hash/size", (record) => digestKey(record.job.action)),
  priority: key(numberType, "The job's priority; smaller runs earlier", (record) => record.job.priority),
  attempts: key(numberType, "How often the job was handed to a worker", (record) => record.job.attempts),
  worker: maybe(textType, "The worker that runs the job, or had it last", (record) => record.job.worker),
  queued_time: key(timeType, "When the job was first queued", (record) => record.job.queuedAt),
  start_time: maybe(timeType, "When a worker started the job", (record) => record.job.startedAt),
  completed_time: maybe(timeType, "When the operation ended", (record) => record.completedAt),
  update_time: key(timeType, "When the operation last moved: made, handed out, started or ended", updateTime),
  queue_duration: maybe(durationType, "From queued_time to start_time", ({ job }) =>
    job.startedAt === undefined ? undefined : Math.max(0, job.startedAt - job.queuedAt),
  ),
  duration: maybe(durationType, "From start_time to completed_time", ({ completedAt, job: { startedAt } }) =>
    completedAt === undefined || startedAt === undefined || completedAt < startedAt
      ? undefined
      : completedAt - startedAt,
  ),
  tool_name: metadata("toolName", "The client program, as bazel"),
  tool_version: metadata("toolVersion", "The version of the client program, compared as text"),
  invocation_id: metadata("invocationId", "The client's run, as one bazel build"),
  correlated_invocations_id: metadata("correlatedInvocationsId", "What ties several invocations together"),
  action_mnemonic: metadata("actionMnemonic", "The kind of action, as CppCompile"),
  target_id: metadata("targetId", "The build target, as //foo:bar"),
  configuration_id: metadata("configurationId", "The configuration of the target"),
  client_actor: maybe(textType, "Who called", (record) => record.identity?.actor),
  client_subject: maybe(textType, "On whose behalf", (record) => record.identity?.subject),
  client_workflow: maybe(textType, "As part of what", (record) => record.identity?.workflow),
  "metadata.@type": {
    ...key(textType, "The type URL of the operation's metadata", () => METADATA_TYPE_URL),
    sortable: false,
  },
};

const platformType: ValueType = { ...textType, name: "platform", expects: "a property as OSFamily:linux" };

/** The table that drives the parser; a new key is a new entry here and one column in each store. */
export const filterKeys: Readonly<Record<FilterKey, FilterKeySpec>> = {
  ...scalarKeys,
  platform: {
    description: "A property that the job requires, as name:value",
    type: platformType,
    operators: ALL,
    nullable: true,
    sortable: false,
    contains: false,
  },
};

/** True for the name of a key that a filter may use. */
export function isFilterKey(word: string): word is FilterKey {
  return Object.hasOwn(filterKeys, word);
}

function errorCode({ cancelled, job }: OperationRecord): number | undefined {
  if (cancelled) return 1;
  return job.outcome?.statusCode || undefined;
}

function updateTime({ completedAt, createdAt, job }: OperationRecord): number {
  return completedAt ?? Math.max(createdAt, job.assignedAt ?? 0, job.startedAt ?? 0);
}
