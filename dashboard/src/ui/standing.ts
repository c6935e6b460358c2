import { ExecutionStage_Value } from "../../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { codeName } from "../api/failure.ts";

/** What decides how an operation is said to be. */
export interface Standing {
  readonly stage: ExecutionStage_Value;
  readonly cancelled: boolean;
  /** A google.rpc.Code; 0 unless it failed. */
  readonly errorCode: number;
  readonly exitCode: number | undefined;
  readonly cached: boolean;
}

/** The stages and ends that have a look of their own. */
export type Look = "queued" | "executing" | "succeeded" | "cached" | "failed" | "cancelled" | "unknown";

/** Which of the looks an operation has. */
export function lookOf({ stage, cancelled, errorCode, exitCode, cached }: Standing): Look {
  if (stage === ExecutionStage_Value.QUEUED || stage === ExecutionStage_Value.CACHE_CHECK) return "queued";
  if (stage === ExecutionStage_Value.EXECUTING) return "executing";
  if (stage !== ExecutionStage_Value.COMPLETED) return "unknown";
  if (cancelled || errorCode === 1) return "cancelled";
  if (errorCode !== 0 || (exitCode ?? 0) !== 0) return "failed";
  return cached ? "cached" : "succeeded";
}

/** In a word or two: `queued`, `executing`, `ok`, `cached`, `exit 1`, `DEADLINE_EXCEEDED`, `cancelled`. */
export function standingText(standing: Standing): string {
  const look = lookOf(standing);
  if (look === "succeeded") return "ok";
  if (look !== "failed") return look;
  return standing.errorCode === 0 ? `exit ${standing.exitCode}` : codeName(standing.errorCode);
}
