import { type Any, AnySchema } from "@bufbuild/protobuf/wkt";
import { Link } from "wouter";
import { ExecutionStage_Value } from "../../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { type GetOperationStatsResponse, WaitReason } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import { codeName } from "../api/failure.ts";
import { plural } from "../format/number.ts";
import { dateText, durationOf, durationText, msOf } from "../format/time.ts";
import { visibleLines, visibleText } from "../format/visible.ts";
import { invocationPath, workersPath } from "../location/paths.ts";
import { idOf, instanceOf } from "../operations/row.ts";
import { CopyButton } from "../ui/copy-button.tsx";
import { Fact } from "../ui/fact.tsx";
import { StandingBadge } from "../ui/stage.tsx";
import type { Decision } from "./decisions.tsx";
import type { Facts } from "./facts.ts";
import type { Who } from "./follow.ts";
import { rawJson } from "./raw-json.ts";
import { Alike } from "./request-view.tsx";

interface HeadProps {
  readonly name: string;
  readonly facts: Facts;
  readonly stats: GetOperationStatsResponse | undefined;
  readonly who: Who | undefined;
  /** The arguments as one line; "" while they are not known. */
  readonly command: string;
  readonly isGone: boolean;
  readonly onDecide: (decision: Decision) => void;
}

/** How it is, why it is so, and what can be done about it. */
export function OperationHead({ name, facts, stats, who, command, isGone, onDecide }: HeadProps) {
  const { standing, done } = facts;
  return (
    <header className="operation-head">
      <div className="operation-title">
        <span className="operation-badge" role="status">
          <StandingBadge {...standing} />
        </span>
        <h1>
          <span className="dim">{instanceOf(name) !== "" && `${instanceOf(name)}/`}</span>
          {idOf(name)}
        </h1>
        <CopyButton text={name} what="the name" />
        <span className="grow" />
        {!isGone && <Actions done={done} onDecide={onDecide} />}
      </div>
      {command !== "" && (
        <p className="operation-command">
          <code title={command.slice(0, 2000)}>{visibleText(command.slice(0, 500).replaceAll("\n", "↵"))}</code>
        </p>
      )}
      <Wait stats={stats} facts={facts} instance={instanceOf(name)} />
      <Outcome facts={facts} />
      <HeadFacts {...{ name, facts, stats, who }} />
    </header>
  );
}

function Actions({ done, onDecide }: { readonly done: boolean; readonly onDecide: (decision: Decision) => void }) {
  if (done) {
    return (
      <button type="button" onClick={() => onDecide("delete")}>
        Delete
      </button>
    );
  }
  return (
    <span className="operation-actions">
      <button type="button" className="danger" onClick={() => onDecide("cancel")} aria-keyshortcuts="x">
        Cancel{" "}
        <span className="key" aria-hidden="true">
          x
        </span>
      </button>
      <button type="button" className="quiet" onClick={() => onDecide("kill")}>
        Kill job
      </button>
    </span>
  );
}

/** Why it is still queued. */
function Wait({
  stats,
  facts,
  instance,
}: {
  readonly stats: GetOperationStatsResponse | undefined;
  readonly facts: Facts;
  readonly instance: string;
}) {
  const isQueued = facts.standing.stage === ExecutionStage_Value.QUEUED && !facts.done;
  if (!isQueued || !stats || stats.waitText === "") return null;
  const hopeless =
    stats.waitReason === WaitReason.NO_MATCHING_WORKER || stats.waitReason === WaitReason.WORKERS_UNAVAILABLE;
  return (
    <p className={hopeless ? "operation-wait hopeless" : "operation-wait"}>
      <strong>Waits: {visibleText(stats.waitText)}.</strong> {placeText(stats)}
      <Link href={workersPath(instance)}>Workers and queue</Link>
    </p>
  );
}

/** Its place in the queue, where the reason does not say it. */
function placeText({ queuePosition, queuePositionText, waitReason }: GetOperationStatsResponse): string {
  if (queuePosition === undefined || waitReason === WaitReason.BEHIND_OTHERS) return "";
  return queuePosition === 0 ? "It is the next in its queue. " : `Ahead of it in the queue: ${queuePositionText}. `;
}

/** The words of its end, where there are any. */
function Outcome({ facts: { error, response, standing } }: { readonly facts: Facts }) {
  const message = error?.message || response?.message || "";
  if (!error && message === "") return null;
  const details = error?.details ?? [];
  return (
    <div className={standing.cancelled ? "operation-outcome" : "operation-outcome failed"}>
      {error && <strong>{codeName(error.code)}</strong>} <span className="outcome-message">{shown(message)}</span>
      {details.length > 0 && (
        <details>
          <summary>{plural(details.length, "detail")}</summary>
          {details.slice(0, 20).map((detail, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: they never change
            <Detail key={index} detail={detail} />
          ))}
        </details>
      )}
    </div>
  );
}

const MOST_SHOWN = 4000;

function shown(text: string): string {
  const cut = text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)} …` : text;
  return visibleLines(cut);
}

function Detail({ detail }: { readonly detail: Any }) {
  return <pre>{shown(rawJson(AnySchema, detail))}</pre>;
}

function HeadFacts({ name, facts, stats, who }: Pick<HeadProps, "name" | "facts" | "stats" | "who">) {
  const instance = instanceOf(name);
  const metadata = who?.metadata;
  const worker = facts.execution?.worker || stats?.botId || "";
  const waited = durationOf(stats?.queueDuration);
  const queuedAt = msOf(facts.execution?.queuedTimestamp);
  const others = stats ? stats.liveOperationCount - (facts.done ? 0 : 1) : 0;
  return (
    <dl className="operation-facts">
      {metadata && metadata.targetId !== "" && (
        <Fact title="Target">
          <Alike instance={instance} filterKey="target_id" value={metadata.targetId} />
        </Fact>
      )}
      {metadata && metadata.actionMnemonic !== "" && (
        <Fact title="Mnemonic">
          <Alike instance={instance} filterKey="action_mnemonic" value={metadata.actionMnemonic} />
        </Fact>
      )}
      {metadata && metadata.toolInvocationId !== "" && (
        <Fact title="Invocation">
          <Link href={invocationPath(instance, metadata.toolInvocationId)}>
            {visibleText(metadata.toolInvocationId)}
          </Link>
        </Fact>
      )}
      {worker !== "" && (
        <Fact title="Worker">
          <Alike instance={instance} filterKey="worker" value={worker} />
        </Fact>
      )}
      {queuedAt !== undefined && !facts.standing.cached && <Fact title="Queued">{dateText(queuedAt)}</Fact>}
      {facts.standing.exitCode !== undefined && <Fact title="Exit code">{facts.standing.exitCode}</Fact>}
      {stats && <Fact title="Attempts">{stats.attemptCount}</Fact>}
      {waited !== undefined && <Fact title="Waited">{durationText(waited)}</Fact>}
      {others > 0 && <Fact title="Also wanted by">{plural(others, "other operation")}</Fact>}
    </dl>
  );
}
