import { useState } from "react";
import { Link } from "wouter";
import { countText, plural } from "../format/number.ts";
import { durationText } from "../format/time.ts";
import type { Row } from "../operations/row.ts";
import { OperationLink } from "../ui/operation-link.tsx";
import { StandingBadge } from "../ui/stage.tsx";
import { FailureOutput } from "./failure-output.tsx";

interface FailuresProps {
  /** In the order in which they ended. */
  readonly failures: readonly Row[];
  /** How many there are, shown or not. */
  readonly count: number;
  readonly beganAt: number;
  /** Where all are listed. */
  readonly href: string;
}

const FIRST = 8;

/** What failed, the first one first: it is often why the others did. */
export function Failures({ failures, count, beganAt, href }: FailuresProps) {
  const [all, setAll] = useState(false);
  const shown = all ? failures : failures.slice(0, FIRST);
  return (
    <section className="card failures">
      <h2>
        {plural(count, "failure")}
        <Link className="more" href={href}>
          As a list
        </Link>
      </h2>
      <ol className="plain">
        {shown.map((row, index) => (
          <Failure key={row.name} row={row} beganAt={beganAt} isOpen={index === 0} />
        ))}
      </ol>
      {shown.length < failures.length && (
        <button type="button" className="quiet" onClick={() => setAll(true)}>
          Show {countText(failures.length - shown.length)} more
        </button>
      )}
      {all && count > failures.length && (
        <p>
          <Link href={href}>and {countText(count - failures.length)} more</Link>
        </p>
      )}
    </section>
  );
}

interface FailureProps {
  readonly row: Row;
  readonly beganAt: number;
  /** Whether its output is shown before anybody asks. */
  readonly isOpen: boolean;
}

function Failure({ row, beganAt, isOpen }: FailureProps) {
  const [open, setOpen] = useState(isOpen);
  return (
    <li>
      <p className="failure">
        <StandingBadge {...row} />
        <OperationLink name={row.name}>{row.target || row.command || "action"}</OperationLink>
        <span>{row.mnemonic}</span>
        <span className="dim">
          after {durationText((row.completedAt ?? beganAt) - beganAt)}
          {row.worker !== "" && ` on ${row.worker}`}
        </span>
        <button
          type="button"
          className="quiet failure-output"
          aria-expanded={open}
          aria-label={`Output of ${row.target || row.name}`}
          onClick={() => setOpen(!open)}
        >
          Output
        </button>
      </p>
      {open && <FailureOutput name={row.name} />}
    </li>
  );
}
