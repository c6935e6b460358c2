import { Link } from "wouter";
import { agoText } from "../format/time.ts";
import { operationsPath } from "../location/paths.ts";
import type { FeedState } from "../operations/feed.ts";
import { idOf } from "../operations/row.ts";
import { OperationLink } from "../ui/operation-link.tsx";
import { StandingBadge } from "../ui/stage.tsx";
import { useNow } from "../ui/use-now.ts";
import { concernsOf, type Situation } from "./attention.ts";
import { failureFilter, type Window } from "./windows.ts";

interface AttentionProps extends Omit<Situation, "ageMs" | "failures"> {
  /** When the platforms were told, in milliseconds since the epoch. */
  readonly at: number;
  readonly failures: FeedState;
}

/** What somebody should look at: what is wrong now, and what failed lately. */
export function Attention({ at, failures, ...situation }: AttentionProps) {
  const { instance, window } = situation;
  const now = useNow();
  const concerns = concernsOf({ ...situation, ageMs: now - at, failures: failures.rows });
  return (
    <div className="attention">
      <section aria-labelledby="attention-heading">
        <h2 id="attention-heading">Needs attention</h2>
        {concerns.length === 0 && <p className="dim">Nothing.</p>}
        <ul>
          {concerns.map(({ key, grave, title, detail, path }) => (
            <li key={key} className={grave ? "grave" : undefined}>
              <Link href={path}>{title}</Link> <span>{detail}</span>
            </li>
          ))}
        </ul>
      </section>
      <Failures {...{ instance, failures, window, now }} />
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
