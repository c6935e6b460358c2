import { render } from "../table.ts";
import type { PlanNode } from "./database.ts";
import { prepareExecutions } from "./executions.ts";
import { type Site, startReplicas } from "./replicas.ts";

const BOTS = 32;
/** So many that there is always more in the queue than all bots can take at once. */
const IN_FLIGHT = 128;
const REPLICAS = 2;
/** All plans would be more than can be written beside. */
const EXPLAINED = 1;
/** Part of the statement that hands out jobs, and the step of it that locks them. */
const CLAIM = "FOR NO KEY UPDATE OF j SKIP LOCKED";
const CHOSEN = "CTE chosen";

/** A commit that waits for the disk holds its locks for longer. */
const conditions = [
  { title: "commits do not wait for the disk", waits: false, share: undefined },
  { title: "commits wait for the disk", waits: true, share: undefined },
  { title: "they wait, and each replica is held to 0.2 of a core", waits: true, share: 0.2 },
];

/** How claims went that were looked at. */
interface Tally {
  readonly claims: number;
  /** Rows of jobs that came to be locked, by one or the other. */
  readonly attempts: number;
  readonly leases: number;
}

/** How often bots of two replicas try to lock a job for each that they get; answers a Markdown table. */
export async function measureClaims(site: Site, seconds: number): Promise<string> {
  site.say(`hand-out of work to ${BOTS} bots of ${REPLICAS} replicas`);
  await using cleanup = new AsyncDisposableStack();
  const replicas = await startReplicas(site, REPLICAS, cleanup);
  const call = await prepareExecutions(site, replicas, BOTS, cleanup);
  await replicas.load({ inFlight: IN_FLIGHT, seconds: seconds / 2, call });
  const rows: string[][] = [];
  for (const { title, waits, share } of conditions) {
    await site.database.waitForDisk(waits);
    await site.database.explain(EXPLAINED);
    const before = site.database.plans().length;
    const load = () => replicas.load({ inFlight: IN_FLIGHT, seconds, call });
    const { done, statements } = await (share === undefined ? load() : replicas.held(share, load));
    await site.database.explain(0);
    const { claims, attempts, leases } = tally(
      site.database
        .plans()
        .slice(before)
        .map(({ Plan }) => Plan),
    );
    if (leases === 0) throw new Error("no plan of a claim was logged");
    const calls = statements.find(({ text }) => text.includes(CLAIM))?.calls ?? 0;
    rows.push([
      title,
      ...[String(leases), (leases / claims).toFixed(1), (attempts / leases).toFixed(2), (calls / done).toFixed(2)],
    ]);
  }
  const head = [
    `${BOTS} bots of ${REPLICAS} replicas`,
    "leases looked at",
    "leases of a claim",
    "lock attempts of a lease",
  ];
  return render([[...head, "claims of an operation"], ...rows]);
}

function tally(plans: readonly PlanNode[]): Tally {
  const sum = { claims: 0, attempts: 0, leases: 0 };
  for (const plan of plans) {
    const chosen = nodesOf(plan).find((node) => node["Subplan Name"] === CHOSEN);
    const lock = chosen && nodesOf(chosen).find((node) => node["Node Type"] === "LockRows");
    const [input] = lock?.Plans ?? [];
    if (!lock || !input) continue;
    sum.leases += rowsOf(lock);
    sum.attempts += rowsOf(input);
    if (rowsOf(lock) > 0) sum.claims += 1;
  }
  return sum;
}

function rowsOf(node: PlanNode): number {
  return node["Actual Rows"] * node["Actual Loops"];
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}
