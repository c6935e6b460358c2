import type { ReactNode } from "react";
import { failureOf } from "../api/failure.ts";

/** What is shown while something is being fetched. */
export function Loading({ what }: { readonly what: string }) {
  return (
    <p className="panel loading" role="status">
      Loading {what} …
    </p>
  );
}

/** What is shown where there is nothing. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className="panel empty">
      <p className="panel-title">{title}</p>
      {children}
    </div>
  );
}

/** What went wrong, and what to do about it. */
export function ErrorPanel({ error, onRetry }: { readonly error: unknown; readonly onRetry?: () => void }) {
  const { code, message, advice } = failureOf(error);
  return (
    <div className="panel error" role="alert">
      <p className="panel-title">{code}</p>
      <pre className="message">{message}</pre>
      <p>{advice}</p>
      {onRetry && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
