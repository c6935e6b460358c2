import { Link } from "wouter";
import { agoText } from "../format/time.ts";
import { operationsPath } from "../location/paths.ts";
import type { FeedState } from "../operations/feed.ts";
import { idOf } from "../operations/row.ts";
import { OperationLink } from "../ui/operation-link.tsx";
import { StandingBadge } from "../ui/stage.tsx";
import { useNow } from "../ui/use-now.ts";
import { concernsOf, type Situation } from "./attention.ts";
import type { Window } from "./windows.ts";

/** What failed lately, the latest first. */
export function failureFilter({ id }: Window): string {
  return `(exit_code != 0 OR error.code != CANCELLED) AND completed_time > now-${id} AND sort_order = completed_time(desc)`;
}

interface AttentionProps extends Omit<Situation, "ageMs" | "failures"> {
  /** When the platforms were told, in milliseconds since the epoch. */
  readonly at: number;
  readonly failures: FeedState;
  readonly window: Window;
}

/** What somebody should look at: what is wrong now, and what failed lately. */
export function Attention({ at, failures, window, ...situation }: AttentionProps) {
  const now = useNow();
  const concerns = concernsOf({ ...situation, ageMs: now - at, failures: failures.rows });
  return (
    <div className="attention">
      <section aria-labelledby="attention-heading">
        <h2 id="attention-heading">Needs attention</h2>
        {concerns.length === 0 && <p className="dim">Nothing. All platforms are served, and all workers are fit.</p>}
        <ul>
          {concerns.map(({ key, grave, title, detail, path }) => (
            <li key={key} className={grave ? "grave" : undefined}>
              <Link href={path}>{title}</Link> <span>{detail}</span>
            </li>
          ))}
        </ul>
      </section>
      <Failures {...{ failures, window, now }} instance={situation.instance} />
    </div>
  );
}

const MOST_FAILURES = 6;

interface FailuresProps {
  readonly instance: string;
  readonly failures: FeedState;
  readonly window: Window;
  readonly now: number;
}

function Failures({ instance, failures: { rows, phase }, window, now }: FailuresProps) {
  return (
    <section aria-labelledby="failures-heading">
      <h2 id="failures-heading">Latest failures</h2>
      {rows.length === 0 && (
        <p className="dim">{phase === "loading" ? "Loading …" : `None in the last ${window.words}.`}</p>
      )}
      <ul className="failures">
        {rows.slice(0, MOST_FAILURES).map((row) => (
          <li key={row.name}>
            <StandingBadge {...row} />
            <span className="what">
              <OperationLink name={row.name}>{row.target || row.command || idOf(row.name)}</OperationLink>
              {row.worker !== "" && <span className="dim"> on {row.worker}</span>}
            </span>
            <span className="dim numeric">{row.completedAt !== undefined && agoText(row.completedAt, now)}</span>
          </li>
        ))}
      </ul>
      {rows.length > MOST_FAILURES && (
        <Link href={operationsPath(instance, failureFilter(window))}>All of the last {window.words}</Link>
      )}
    </section>
  );
}
