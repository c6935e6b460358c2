import { render } from "../table.ts";
import type { Account } from "./replicas.ts";

/** How a statement is known by its text. The first that fits counts. */
const kinds: readonly (readonly [title: string, text: RegExp])[] = [
  ["submit", /INSERT INTO jobs AS j/],
  ["claim", /SKIP LOCKED/],
  ["complete", /INSERT INTO action_results[\s\S]*FROM job UNION ALL/],
  ["read what others have changed", /FROM changes\s*\), news/],
  ["read what has changed", /FROM changes\s*\), found/],
  ["look whether operations have changed", /j\.version, o\.polled FROM/],
  ["read operations", /j\.version, o\.id, /],
  ["read what sessions hold", /session = holder\.name/],
  ["read sessions", /FROM sessions WHERE name/],
  ["read new platforms", /FROM platforms WHERE id >/],
  ["tell other replicas", /^NOTIFY/],
];
const OTHER = "others";

interface Counted {
  readonly calls: number;
  readonly totalMs: number;
}

/** Which statements an operation takes and how long PostgreSQL runs them, by columns of runs; a Markdown table. */
export function statementTable(runs: Readonly<Record<string, readonly Account[]>>): string {
  const columns = Object.entries(runs).map(([title, accounts]) => ({ title, ...countedIn(accounts) }));
  const titles = [...kinds.map(([title]) => title), OTHER];
  const weight = (title: string) => columns[0]?.statements.get(title)?.totalMs ?? 0;
  const head = columns.flatMap(({ title }) => [`${title}: calls`, "µs a call", "µs"]);
  const rows = titles
    .toSorted((a, b) => weight(b) - weight(a))
    .map((title) => [
      title,
      "of an operation",
      ...columns.flatMap(({ done, statements }) => cells(statements.get(title), done)),
    ]);
  const sums = columns.flatMap(({ done, statements }) => cells(sumOf([...statements.values()]), done));
  return render([["statements", "", ...head], ...rows, ["all", "of an operation", ...sums]]);
}

function cells(counted: Counted | undefined, done: number): string[] {
  const { calls, totalMs } = counted ?? { calls: 0, totalMs: 0 };
  const each = calls === 0 ? "-" : Math.round((totalMs * 1000) / calls).toLocaleString("en-US");
  return [(calls / done).toFixed(2), each, Math.round((totalMs * 1000) / done).toLocaleString("en-US")];
}

function countedIn(accounts: readonly Account[]) {
  const statements = new Map<string, Counted>();
  for (const { text, calls, totalMs } of accounts.flatMap((account) => account.statements)) {
    const [title] = kinds.find(([, pattern]) => pattern.test(text)) ?? [OTHER];
    statements.set(title, sumOf([statements.get(title) ?? { calls: 0, totalMs: 0 }, { calls, totalMs }]));
  }
  return { statements, done: accounts.reduce((sum, { done }) => sum + done, 0) };
}

function sumOf(all: readonly Counted[]): Counted {
  return all.reduce((a, b) => ({ calls: a.calls + b.calls, totalMs: a.totalMs + b.totalMs }), { calls: 0, totalMs: 0 });
}
