import { ExecutionStage_Value } from "../../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import type { OperationSummary } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import { msOf } from "../format/time.ts";

/** What is kept of an operation: some hundred bytes, as there may be a hundred thousand. Times are milliseconds. */
export interface Row {
  /** `<instance>/<id>`. */
  readonly name: string;
  readonly stage: ExecutionStage_Value;
  readonly cancelled: boolean;
  readonly errorCode: number;
  readonly exitCode: number | undefined;
  readonly cached: boolean;
  readonly command: string;
  /** `hash/size`. */
  readonly action: string;
  readonly priority: number;
  readonly attempts: number;
  readonly worker: string;
  readonly queuedAt: number | undefined;
  readonly startedAt: number | undefined;
  readonly completedAt: number | undefined;
  readonly updatedAt: number | undefined;
  /** Whether the client told anything of its call; "" below is nothing told of one thing. */
  readonly told: boolean;
  readonly tool: string;
  readonly toolVersion: string;
  readonly invocation: string;
  readonly correlated: string;
  readonly mnemonic: string;
  readonly target: string;
  readonly configuration: string;
  readonly actor: string;
  readonly subject: string;
  readonly workflow: string;
}

const MOST_WORDS = 10_000;

/** Of the same text one copy is kept: rows repeat their tools, workers and targets. */
function createWords() {
  const words = new Map<string, string>();
  return (text: string | undefined): string => {
    if (!text) return "";
    const known = words.get(text);
    if (known !== undefined) return known;
    if (words.size >= MOST_WORDS) words.clear();
    words.set(text, text);
    return text;
  };
}

/** Makes rows of summaries. */
export function createRows(): (summary: OperationSummary) => Row {
  const word = createWords();
  return (summary) => {
    const { actionDigest: digest, requestMetadata: metadata, clientIdentity: identity } = summary;
    return {
      name: summary.name,
      stage: summary.stage,
      cancelled: summary.cancelled,
      errorCode: summary.errorCode,
      exitCode: summary.exitCode,
      cached: summary.cached,
      command: word(summary.command),
      action: digest ? `${digest.hash}/${digest.sizeBytes}` : "",
      priority: summary.priority,
      attempts: summary.attempts,
      worker: word(summary.worker),
      queuedAt: msOf(summary.queuedTime),
      startedAt: msOf(summary.startTime),
      completedAt: msOf(summary.completedTime),
      updatedAt: msOf(summary.updateTime),
      told: metadata !== undefined,
      tool: word(metadata?.toolDetails?.toolName),
      toolVersion: word(metadata?.toolDetails?.toolVersion),
      invocation: word(metadata?.toolInvocationId),
      correlated: word(metadata?.correlatedInvocationsId),
      mnemonic: word(metadata?.actionMnemonic),
      target: word(metadata?.targetId),
      configuration: word(metadata?.configurationId),
      actor: word(identity?.actor),
      subject: word(identity?.subject),
      workflow: word(identity?.workflow),
    };
  };
}

/** The id of an operation's name: what follows its last slash. */
export function idOf(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

/** The instance of an operation's name; "" for the nameless one. */
export function instanceOf(name: string): string {
  const slash = name.lastIndexOf("/");
  return slash < 0 ? "" : name.slice(0, slash);
}

/** How long it waited for a worker, or has so far. */
export function waitedMs({ queuedAt, startedAt, completedAt }: Row, now: number): number | undefined {
  return queuedAt === undefined ? undefined : Math.max(0, (startedAt ?? completedAt ?? now) - queuedAt);
}

/** How long it ran, or has so far. */
export function ranMs({ startedAt, completedAt, stage, cached }: Row, now: number): number | undefined {
  if (startedAt === undefined || cached || stage < ExecutionStage_Value.EXECUTING) return undefined;
  return Math.max(0, (completedAt ?? now) - startedAt);
}
