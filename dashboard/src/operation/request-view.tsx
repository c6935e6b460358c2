import { Link } from "wouter";
import type { RequestMetadata } from "../../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { ExecutionStage_ValueSchema } from "../../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import type { ClientIdentity } from "../../../gen/build/buildgrid/identity_pb.ts";
import type { GetOperationStatsResponse, JobOperation } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import { countText } from "../format/number.ts";
import { visibleText } from "../format/visible.ts";
import { invocationPath, operationsPath } from "../location/paths.ts";
import { withTerm } from "../operations/filter-text.ts";
import { idOf, instanceOf } from "../operations/row.ts";
import { Fact } from "../ui/fact.tsx";
import { OperationLink } from "../ui/operation-link.tsx";
import type { Who } from "./follow.ts";

/** A value that leads to the operations that have it too. */
export function Alike({
  instance,
  filterKey,
  value,
}: {
  readonly instance: string;
  readonly filterKey: string;
  readonly value: string;
}) {
  return (
    <Link
      href={operationsPath(instance, withTerm("", filterKey, value))}
      title={`Operations with ${filterKey} = ${value}`}
    >
      {visibleText(value)}
    </Link>
  );
}

const ALIKE = [
  ["Target", "target_id", (metadata: RequestMetadata) => metadata.targetId],
  ["Mnemonic", "action_mnemonic", (metadata: RequestMetadata) => metadata.actionMnemonic],
  ["Action id", "action_id", (metadata: RequestMetadata) => metadata.actionId],
  ["Configuration", "configuration_id", (metadata: RequestMetadata) => metadata.configurationId],
  ["Tool", "tool_name", (metadata: RequestMetadata) => metadata.toolDetails?.toolName ?? ""],
] as const;

function MetadataFacts({ metadata, instance }: { readonly metadata: RequestMetadata; readonly instance: string }) {
  const { toolInvocationId, correlatedInvocationsId, toolDetails } = metadata;
  return (
    <>
      {toolInvocationId !== "" && (
        <Fact title="Invocation">
          <Link href={invocationPath(instance, toolInvocationId)}>{visibleText(toolInvocationId)}</Link>
        </Fact>
      )}
      {correlatedInvocationsId !== "" && (
        <Fact title="Build group">
          <Link href={invocationPath(instance, correlatedInvocationsId, "correlated")}>
            {visibleText(correlatedInvocationsId)}
          </Link>
        </Fact>
      )}
      {ALIKE.map(([title, key, read]) => {
        const value = read(metadata);
        return value === "" ? null : (
          <Fact key={key} title={title}>
            <Alike instance={instance} filterKey={key} value={value} />
            {key === "tool_name" && ` ${visibleText(toolDetails?.toolVersion ?? "")}`}
          </Fact>
        );
      })}
    </>
  );
}

function IdentityFacts({ identity, instance }: { readonly identity: ClientIdentity; readonly instance: string }) {
  return (["actor", "subject", "workflow"] as const).map((part) => (
    <Fact key={part} title={`Client ${part}`}>
      <Alike instance={instance} filterKey={`client_${part}`} value={identity[part]} />
    </Fact>
  ));
}

interface RequestProps {
  readonly name: string;
  readonly who: Who | undefined;
  readonly stats: GetOperationStatsResponse | undefined;
}

/** Who asked for it, and who else did. */
export function RequestView({ name, who, stats }: RequestProps) {
  const instance = instanceOf(name);
  const others = (stats?.jobOperations ?? []).filter((each) => idOf(each.name) !== idOf(name));
  return (
    <>
      <h2>Who asked for it</h2>
      {who?.metadata || who?.identity ? (
        <dl className="facts">
          {who.metadata && <MetadataFacts metadata={who.metadata} instance={instance} />}
          {who.identity && <IdentityFacts identity={who.identity} instance={instance} />}
        </dl>
      ) : (
        <p className="dim">{who ? "Its client said nothing of itself." : "Not known yet."}</p>
      )}
      <h2>Others that want the same job</h2>
      {others.length > 0 ? <Others others={others} /> : <p className="dim">{stats ? "Nobody." : "Not known."}</p>}
      {stats && stats.jobOperations.length >= 100 && (
        <p className="dim">The oldest 100 are listed; {countText(stats.liveOperationCount)} have not ended.</p>
      )}
    </>
  );
}

function Others({ others }: { readonly others: readonly JobOperation[] }) {
  return (
    <table className="facts-table">
      <thead>
        <tr>
          <th scope="col">Operation</th>
          <th scope="col">Stage</th>
          <th scope="col">Target</th>
          <th scope="col">Tool</th>
          <th scope="col">Client</th>
        </tr>
      </thead>
      <tbody>
        {others.map(({ name, stage, requestMetadata: metadata, clientIdentity: identity }) => (
          <tr key={name}>
            <td>
              <OperationLink name={name}>{idOf(name).slice(-12)}</OperationLink>
            </td>
            <td>{ExecutionStage_ValueSchema.value[stage]?.name.toLowerCase() ?? stage}</td>
            <td>{visibleText(metadata?.targetId ?? "")}</td>
            <td>{visibleText(metadata?.toolDetails?.toolName ?? "")}</td>
            <td>{visibleText(identity?.actor ?? "")}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
