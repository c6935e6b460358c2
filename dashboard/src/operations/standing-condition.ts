import { ExecutionStage_Value as Stage } from "../../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { codeName } from "../api/failure.ts";
import { lookOf, type Standing } from "../ui/standing.ts";

const STAGES = new Map<number, string>(Object.entries(Stage).map(([name, stage]) => [stage, name]));

/** The condition of what was cancelled, by whomever. */
export const CANCELLED = "error.code = CANCELLED";

/** The condition of what failed: what was cancelled did not. */
export const FAILED = `(exit_code != 0 OR error.code:*) AND NOT ${CANCELLED}`;

/** The condition that what stands like this passes. */
export function standingCondition(standing: Standing): string {
  switch (lookOf(standing)) {
    case "cancelled":
      return CANCELLED;
    case "failed":
      return standing.errorCode === 0
        ? `exit_code = ${standing.exitCode}`
        : `error.code = ${codeWord(standing.errorCode)}`;
    case "cached":
      return "cached";
    case "succeeded":
      return "exit_code = 0 AND NOT cached";
    default:
      return `stage = ${STAGES.get(standing.stage) ?? "UNKNOWN"}`;
  }
}

function codeWord(code: number): string {
  const name = codeName(code);
  return /^[A-Z_]+$/.test(name) ? name : String(code);
}
