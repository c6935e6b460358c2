import { useQuery } from "@connectrpc/connect-query";
import { useEffect, useState } from "react";
import { Link, useLocation } from "wouter";
import { ActionSchema, CommandSchema } from "../../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import type { Operation } from "../../../gen/google/longrunning/operations_pb.ts";
import { FarmService } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import { failureOf } from "../api/failure.ts";
import { useBlobMessage } from "../cas/use-blob.ts";
import { useInstance, useParameter } from "../location/parameters.ts";
import { operationsPath } from "../location/paths.ts";
import { idOf, instanceOf } from "../operations/row.ts";
import { useShortcuts } from "../shell/shortcuts.ts";
import { ErrorPanel, Loading } from "../ui/panels.tsx";
import { argumentsText } from "./command-text.ts";
import { CommandView } from "./command-view.tsx";
import { type Decision, DecisionDialog } from "./decisions.tsx";
import { type Facts, factsOf } from "./facts.ts";
import { InputsView, OutputsView } from "./files-view.tsx";
import type { Follow, FollowState, Who } from "./follow.ts";
import { FollowBanner } from "./follow-banner.tsx";
import { goBackToList } from "./go-back.ts";
import { HistoryView } from "./history-view.tsx";
import "./operation.css";
import "./facts.css";
import { OperationHead } from "./operation-head.tsx";
import { OutputView } from "./output-view.tsx";
import { RawView } from "./raw-view.tsx";
import { RequestView } from "./request-view.tsx";
import { type Tab, Tabs } from "./tabs.tsx";
import { TimelineView } from "./timeline-view.tsx";
import { useFollow } from "./use-follow.ts";

/** One operation: `/operations/<instance>/<id>?tab=...&file=...`. */
export default function OperationPage({ name }: { readonly name: string }) {
  const [state, follow] = useFollow(name);
  const [, navigate] = useLocation();
  const [listed] = useInstance();
  const back = () => goBackToList(() => navigate(operationsPath(listed)));
  useShortcuts({ escape: back });
  if (state.operation) return <Known {...{ name, state, follow, back }} operation={state.operation} />;
  if (state.phase === "loading") return <Loading what="the operation" />;
  return (
    <>
      <h1 className="off-screen">Operation</h1>
      <ErrorPanel error={state.error} onRetry={() => follow?.retry()} />
      <p className="operation-back">
        <Link href={operationsPath(listed)}>All operations</Link>
      </p>
    </>
  );
}

interface KnownProps {
  readonly name: string;
  readonly state: FollowState;
  readonly operation: Operation;
  readonly follow: Follow | undefined;
  readonly back: () => void;
}

function Known({ name, state, operation, follow, back }: KnownProps) {
  const facts = factsOf(operation);
  const isGone = state.phase === "gone";
  const { stats, who } = useStats(name, state, facts);
  const [decision, setDecision] = useState<Decision>();
  useShortcuts({ x: () => !facts.done && !isGone && setDecision("cancel") });
  const home = { instance: instanceOf(name), digestFunction: facts.digestFunction };
  const action = useBlobMessage(ActionSchema, home, facts.action);
  const command = useBlobMessage(CommandSchema, home, action.data?.commandDigest);
  const tabs: Tab[] = [
    { id: "output", title: "Output", content: () => <OutputView facts={facts} home={home} /> },
    {
      ...{ id: "command", title: "Command" },
      content: () => <CommandView digest={facts.action} action={action} command={command} />,
    },
    {
      ...{ id: "inputs", title: "Inputs" },
      content: () => <InputsView root={action.data?.inputRootDigest} home={home} pending={action} />,
    },
    {
      ...{ id: "outputs", title: "Outputs", note: outputCount(facts) },
      content: () => <OutputsView result={facts.result} done={facts.done} home={home} />,
    },
    {
      ...{ id: "history", title: "History" },
      content: () => <HistoryView name={name} done={facts.done} version={operation} />,
    },
    { id: "request", title: "Request", content: () => <RequestView name={name} who={who} stats={stats} /> },
    { id: "raw", title: "JSON and commands", content: () => <RawView operation={operation} name={name} /> },
  ];
  const [tab = "output", setTab] = useParameter("tab");
  const [, setFile] = useParameter("file");
  const show = (id: string) => {
    setFile(undefined, { replace: true });
    setTab(id === "output" ? undefined : id, { replace: true });
  };
  return (
    <article className="operation">
      <FollowBanner state={state} follow={follow} />
      <OperationHead
        {...{ name, facts, stats, who, isGone }}
        command={command.data ? argumentsText(command.data) : ""}
        onDecide={setDecision}
      />
      <TimelineView times={facts.execution} done={facts.done} cached={facts.standing.cached} />
      <Tabs tabs={tabs} shown={tab} onShow={show} label="What to show of the operation" />
      {decision && (
        <DecisionDialog
          {...{ decision, name }}
          others={stats && Math.max(0, stats.liveOperationCount - (facts.done ? 0 : 1))}
          onClose={() => setDecision(undefined)}
          onDone={(done) => {
            setDecision(undefined);
            if (done === "delete") back();
          }}
        />
      )}
    </article>
  );
}

function outputCount({ result }: Facts): string | undefined {
  if (!result) return undefined;
  return String(result.outputFiles.length + result.outputDirectories.length + result.outputSymlinks.length);
}

/** Whether asking again would be answered in the same way. */
function isHopeless(error: unknown): boolean {
  return error !== null && !failureOf(error).passing;
}

/** How far it is, asked again and again, and who asked for it as far as that is known. */
function useStats(name: string, { phase, operation, who }: FollowState, { done }: Facts) {
  const { data: stats, refetch } = useQuery(
    FarmService.method.getOperationStats,
    { name },
    {
      enabled: phase !== "gone",
      refetchInterval: ({ state: { error } }) => (isHopeless(error) ? false : done ? 15_000 : 1000),
    },
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again whenever the operation changes
  useEffect(() => void (phase !== "gone" && refetch()), [operation, refetch]);
  const itself = stats?.jobOperations.find((each) => idOf(each.name) === idOf(name));
  const told: Who | undefined = itself && { metadata: itself.requestMetadata, identity: itself.clientIdentity };
  return { stats, who: who ?? told };
}
