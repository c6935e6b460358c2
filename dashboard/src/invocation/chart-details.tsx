import { durationText } from "../format/time.ts";
import { OperationLink } from "../ui/operation-link.tsx";
import { StandingBadge } from "../ui/stage.tsx";
import type { Bar } from "./lanes.ts";

const LEGEND = [
  ["succeeded", "ok"],
  ["failed", "failed"],
  ["cancelled", "cancelled"],
  ["executing", "executing"],
] as const;

/** What the colours of the chart mean. */
export function ChartLegend() {
  return (
    <ul className="legend plain">
      {LEGEND.map(([look, text]) => (
        <li key={look}>
          <span className={`swatch ${look}`} aria-hidden="true" /> {text}
        </li>
      ))}
    </ul>
  );
}

interface ChartDetailsProps {
  readonly bar: Bar | undefined;
  readonly beganAt: number;
  readonly now: number;
  /** By keys; what the mouse only passes is not read aloud. */
  readonly isChosen: boolean;
}

/** The action that is pointed at or chosen. The place is kept for it, so that nothing jumps. */
export function ChartDetails({ bar, beganAt, now, isChosen }: ChartDetailsProps) {
  return (
    <div className="chart-details" aria-live={isChosen ? "polite" : "off"}>
      {bar ? (
        <>
          <StandingBadge {...bar.row} />
          <strong>{durationText(Math.min(bar.end, now) - bar.start)}</strong>
          <span className="dim">
            from {durationText(bar.start - beganAt)} on {bar.row.worker}
          </span>
          <OperationLink name={bar.row.name}>
            {bar.row.mnemonic || "action"} {bar.row.target}
          </OperationLink>
          <code className="dim">{bar.row.command}</code>
        </>
      ) : (
        <span className="dim">Point at a bar to see what it is.</span>
      )}
    </div>
  );
}
