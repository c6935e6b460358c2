import { type Look, lookOf, type Standing, standingText } from "./standing.ts";

const SIGNS: Record<Look, string> = {
  queued: "◌",
  executing: "▶",
  succeeded: "✓",
  cached: "≡",
  failed: "✕",
  cancelled: "⊘",
  unknown: "?",
};

/** How an operation is, by colour, sign and word. */
export function StandingBadge(standing: Standing) {
  const look = lookOf(standing);
  return (
    <span className={`badge ${look}`}>
      <span aria-hidden="true">{SIGNS[look]}</span> {standingText(standing)}
    </span>
  );
}
