import { Link } from "wouter";
import type { Worker, WorkerLease } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import { instanceWords } from "../format/instance.ts";
import { plural } from "../format/number.ts";
import { agoText, dateText, msOf, tickingText } from "../format/time.ts";
import { operationsPath } from "../location/paths.ts";
import { withTerm } from "../operations/filter-text.ts";
import { idOf, type Row } from "../operations/row.ts";
import { OperationLink } from "../ui/operation-link.tsx";
import { Properties } from "../ui/properties.tsx";
import { isAvailable, jobsOf, stateOf, type WorkerState } from "./worker-list.ts";

interface WorkerRowProps {
  readonly worker: Worker;
  readonly instance: string;
  readonly index: number;
  readonly now: number;
  readonly running: (name: string) => Row | undefined;
  readonly rowRef: (row: HTMLTableRowElement | null) => void;
}

const SIGNS: Record<WorkerState, string> = {
  idle: "○",
  busy: "◐",
  full: "●",
  unhealthy: "✕",
  rebooting: "↻",
  leaving: "⇥",
  starting: "◌",
  unknown: "?",
};

/** More of what a worker runs is a list of its own. */
const MOST_LEASES = 4;

/** A worker: how it is, what it runs and offers, and when it was last heard of. */
export function WorkerRow({ worker, instance, index, now, running, rowRef }: WorkerRowProps) {
  const { botId, sessionName, instanceName, properties } = worker;
  return (
    <tr ref={rowRef} data-index={index} aria-rowindex={index + 2}>
      <td className="worker-name">
        <span className="name" title={sessionName}>
          {botId}
        </span>
        <span className="dim">{servesText(instanceName)}</span>
      </td>
      <td>
        <Status worker={worker} />
      </td>
      <td className="runs wide">
        <Runs {...{ worker, instance, now, running }} />
      </td>
      <td className="wide">
        <Properties of={properties} none="Offers nothing in particular" />
      </td>
      <td className="seen">
        <Seen worker={worker} now={now} />
      </td>
    </tr>
  );
}

function servesText(instanceName: string): string {
  return instanceName === "*" ? "all instances" : instanceWords(instanceName);
}

function Status({ worker }: { readonly worker: Worker }) {
  const state = stateOf(worker);
  const jobs = jobsOf(worker);
  return (
    <>
      <span className={`badge worker-state ${isAvailable(worker) ? state : "unavailable"}`}>
        <span aria-hidden="true">{SIGNS[state]}</span> {state}
      </span>
      <span className="load">
        <meter min={0} max={Math.max(1, worker.capacity)} value={jobs} aria-hidden="true" />
        <span className="dim" title={`Runs ${plural(jobs, "job")}, has room for ${worker.capacity} in all`}>
          {jobs}/{worker.capacity}
        </span>
      </span>
    </>
  );
}

interface RunsProps {
  readonly worker: Worker;
  readonly instance: string;
  readonly now: number;
  readonly running: (name: string) => Row | undefined;
}

function Runs({ worker: { botId, leases, otherLeaseCount }, instance, now, running }: RunsProps) {
  const hidden = leases.length - MOST_LEASES;
  const all = operationsPath(instance, withTerm(withTerm("", "worker", botId), "stage", "EXECUTING"));
  return (
    <>
      {leases.slice(0, MOST_LEASES).map((lease) => (
        <Lease key={lease.operationNames[0] ?? lease.actionDigest?.hash} {...{ lease, now, running }} />
      ))}
      {hidden > 0 && (
        <div>
          <Link href={all}>and {hidden} more</Link>
        </div>
      )}
      {otherLeaseCount > 0 && <div className="dim">{plural(otherLeaseCount, "job")} of other instances</div>}
    </>
  );
}

interface LeaseProps {
  readonly lease: WorkerLease;
  readonly now: number;
  readonly running: (name: string) => Row | undefined;
}

function Lease({ lease: { operationNames, actionDigest, assignTime }, now, running }: LeaseProps) {
  const name = operationNames.find((each) => running(each)) ?? operationNames[0];
  const row = name === undefined ? undefined : running(name);
  const at = msOf(assignTime);
  const what = row && (row.target || row.command);
  return (
    <div className="lease">
      <span className="dim numeric">{at !== undefined && tickingText(now - at)}</span>
      <span className="what">
        {row?.mnemonic && <span className="dim">{row.mnemonic} </span>}
        {name === undefined ? (
          <span title={actionDigest?.hash}>a job that nobody wants any more</span>
        ) : (
          <OperationLink name={name}>{what || idOf(name).slice(-12)}</OperationLink>
        )}
        {operationNames.length > 1 && (
          <span className="dim" title={operationNames.join("\n")}>
            {" "}
            and {plural(operationNames.length - 1, "other")}
          </span>
        )}
      </span>
    </div>
  );
}

function Seen({ worker: { updateTime, expireTime }, now }: { readonly worker: Worker; readonly now: number }) {
  const at = msOf(updateTime);
  const until = msOf(expireTime);
  return (
    <>
      {at !== undefined && (
        <time dateTime={new Date(at).toISOString()} title={dateText(at)}>
          {agoText(at, now)}
        </time>
      )}
      {until !== undefined && (
        <span className={until < now ? "overdue" : "dim"} title={`Its session ends at ${dateText(until)}`}>
          {until < now ? "overdue" : `expires in ${tickingText(until - now)}`}
        </span>
      )}
    </>
  );
}
