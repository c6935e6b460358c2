import { failureOf } from "../api/failure.ts";
import { countText } from "../format/number.ts";
import { useNow } from "../ui/use-now.ts";
import type { Feed, FeedState } from "./feed.ts";
import "./feed-status.css";

/** How live the list is, how long, and the button that pauses it. */
export function FeedStatus({ state, feed }: { readonly state: FeedState; readonly feed: Feed | undefined }) {
  const { phase, rows, truncated } = state;
  const paused = phase === "paused";
  return (
    <div className="feed-status">
      <span className={`dot ${phase}`} aria-hidden="true" />
      <span role="status">{PHASES[phase]}</span>
      {phase !== "refused" && (
        <>
          <span className="count">
            {countText(rows.length)}
            {truncated && "+"} <span className="wide">{rows.length === 1 ? "operation" : "operations"}</span>
          </span>
          <button type="button" className="quiet" onClick={paused ? feed?.resume : feed?.pause} aria-pressed={paused}>
            {paused ? "Resume" : "Pause"}
          </button>
        </>
      )}
    </div>
  );
}

const PHASES: Record<FeedState["phase"], string> = {
  loading: "Loading",
  live: "Live",
  paused: "Paused",
  disconnected: "Disconnected",
  refused: "Refused",
};

/** Tells that the connection is lost, and when it is tried again. What is shown meanwhile is how things were. */
export function DisconnectedBanner({ state, feed }: { readonly state: FeedState; readonly feed: Feed | undefined }) {
  const now = useNow();
  if (state.phase !== "disconnected") return null;
  const { code, message } = failureOf(state.error);
  const seconds = Math.max(0, Math.ceil(((state.retryAt ?? now) - now) / 1000));
  return (
    <div className="banner">
      <span role="alert">
        {code === "UNAVAILABLE" ? "The server cannot be reached." : `The server says ${code}: ${message}.`} What you see
        is how things were; nothing will be missed.
      </span>
      <span className="dim" aria-hidden="true">
        {seconds > 0 ? `Next attempt in ${seconds} s.` : "Trying …"}
      </span>
      <button type="button" onClick={feed?.retry}>
        Try now
      </button>
    </div>
  );
}
