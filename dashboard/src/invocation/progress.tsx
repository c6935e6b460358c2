import { Link } from "wouter";
import { countText } from "../format/number.ts";
import type { Look } from "../ui/standing.ts";
import { percentEnded } from "./builds.ts";
import type { Counts } from "./figures.ts";
import "./progress.css";

/** From what has ended well to what has not begun. */
const PARTS: readonly (readonly [look: Look, text: string])[] = [
  ["succeeded", "ok"],
  ["cached", "cached"],
  ["failed", "failed"],
  ["cancelled", "cancelled"],
  ["executing", "executing"],
  ["queued", "queued"],
  ["unknown", "unknown"],
];

interface ProgressBarProps {
  readonly counts: Counts;
  readonly total: number;
  /** What it is the progress of, for screen readers. */
  readonly what: string;
}

/** How far a build is, by colour. */
export function ProgressBar({ counts, total, what }: ProgressBarProps) {
  const said = PARTS.flatMap(([look, text]) => (counts[look] > 0 ? [`${countText(counts[look])} ${text}`] : []));
  return (
    <div
      className="progress"
      role="progressbar"
      aria-label={`Progress of ${what}`}
      aria-valuenow={percentEnded(counts, total)}
      aria-valuetext={said.join(", ")}
    >
      {PARTS.map(([look]) =>
        counts[look] === 0 ? null : (
          <span key={look} className={`part ${look}`} style={{ flexGrow: counts[look], flexBasis: 0 }} />
        ),
      )}
    </div>
  );
}

interface ProgressLegendProps {
  readonly counts: Counts;
  /** Where the operations of a look are listed. */
  readonly hrefOf: (look: Look) => string;
}

/** How many operations have each look; each leads to them. */
export function ProgressLegend({ counts, hrefOf }: ProgressLegendProps) {
  return (
    <ul className="legend plain">
      {PARTS.map(([look, text]) =>
        counts[look] === 0 ? null : (
          <li key={look}>
            <Link href={hrefOf(look)}>
              <span className={`swatch ${look}`} aria-hidden="true" /> {countText(counts[look])} {text}
            </Link>
          </li>
        ),
      )}
    </ul>
  );
}
