import type { ReactNode } from "react";
import { failureOf } from "../api/failure.ts";
import { agoText } from "../format/time.ts";
import { useNow } from "./use-now.ts";
import "./polled-head.css";

interface Poll {
  /** When the last answer came, in milliseconds since the epoch; 0 for never. */
  readonly dataUpdatedAt: number;
  /** Why the last attempt failed; null when it did not. */
  readonly failureReason: unknown;
  refetch(): unknown;
}

interface PolledHeadProps {
  readonly title: string;
  /** All polls of the page; the one that is worst off counts. */
  readonly polls: readonly Poll[];
  readonly children?: ReactNode;
}

/** The title of a page that polls, and how old what it shows is. */
export function PolledHead({ title, polls, children }: PolledHeadProps) {
  return (
    <>
      <StaleBanner polls={polls} />
      <header className="page-head">
        <h1>{title}</h1>
        {children}
        <Age polls={polls} />
      </header>
    </>
  );
}

function Age({ polls }: { readonly polls: readonly Poll[] }) {
  const now = useNow();
  const at = Math.min(...polls.map(({ dataUpdatedAt }) => dataUpdatedAt));
  const failing = polls.some(({ failureReason }) => failureReason !== null);
  if (at === 0) return null;
  return (
    <span className="dim">
      <span className={`dot ${failing ? "disconnected" : "live"}`} aria-hidden="true" />{" "}
      {failing ? `As it was ${agoText(at, now)}` : "Live"}
    </span>
  );
}

/** Tells that what the page shows is not refreshed any more, and why. */
function StaleBanner({ polls }: { readonly polls: readonly Poll[] }) {
  const failing = polls.find(({ failureReason, dataUpdatedAt }) => failureReason !== null && dataUpdatedAt > 0);
  if (!failing) return null;
  const { message, passing } = failureOf(failing.failureReason);
  return (
    <div className="banner">
      <span role="alert">
        {passing ? "The server cannot be reached; this page tries again by itself." : `Not refreshed: ${message}`}
      </span>
      <button type="button" onClick={() => void failing.refetch()}>
        Try now
      </button>
    </div>
  );
}
