import { useNow } from "../ui/use-now.ts";
import type { Follow, FollowState } from "./follow.ts";

/** Tells what keeps the page from showing how things are. */
export function FollowBanner({ state, follow }: { readonly state: FollowState; readonly follow: Follow | undefined }) {
  const now = useNow();
  if (state.phase === "gone") {
    return (
      <div className="banner" role="alert">
        The operation was deleted. What you see is how it was last.
      </div>
    );
  }
  if (state.phase !== "disconnected" && state.phase !== "refused") return null;
  const seconds = Math.max(0, Math.ceil(((state.retryAt ?? now) - now) / 1000));
  return (
    <div className="banner">
      <span role="alert">
        {state.phase === "refused" ? "The server refuses to tell more." : "The server cannot be reached."} What you see
        is how things were.
      </span>
      {state.phase === "disconnected" && (
        <span aria-hidden="true">{seconds > 0 ? `Next attempt in ${seconds} s.` : "Trying …"}</span>
      )}
      <button type="button" onClick={follow?.retry}>
        Try now
      </button>
    </div>
  );
}
