import type { Row } from "../../dashboard/src/operations/row.ts";
import { ExecutionStage_Value as Stage } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";

const plain: Row = {
  ...{ name: "main/0", stage: Stage.COMPLETED, cancelled: false, errorCode: 0, exitCode: 0, cached: false },
  ...{ command: "cc", action: "a/1", priority: 0, attempts: 1, worker: "w", queuedAt: 0, startedAt: 0 },
  ...{
    completedAt: 0,
    updatedAt: 0,
    told: true,
    tool: "bazel",
    toolVersion: "7",
    invocation: "i",
    correlated: "",
    mnemonic: "Cc",
  },
  ...{ target: "//a", configuration: "", actor: "", subject: "", workflow: "" },
};
let made = 0;

/** A row of an action of its own that succeeded, but for some fields. */
export function rowOf(fields: Partial<Row>): Row {
  made += 1;
  return { ...plain, name: `main/${made}`, action: `${made}/1`, ...fields };
}

export function ran(worker: string, startedAt: number, completedAt: number, more: Partial<Row> = {}): Row {
  return rowOf({ worker, startedAt, completedAt, ...more });
}

export function runs(worker: string, startedAt: number, more: Partial<Row> = {}): Row {
  return rowOf({ worker, startedAt, stage: Stage.EXECUTING, completedAt: undefined, exitCode: undefined, ...more });
}

export function waits(queuedAt: number, more: Partial<Row> = {}): Row {
  const nothing = { startedAt: undefined, completedAt: undefined, exitCode: undefined, worker: "" };
  return rowOf({ queuedAt, stage: Stage.QUEUED, ...nothing, ...more });
}

export function cached(queuedAt: number, more: Partial<Row> = {}): Row {
  return rowOf({ queuedAt, completedAt: queuedAt + 1, cached: true, startedAt: undefined, worker: "", ...more });
}
