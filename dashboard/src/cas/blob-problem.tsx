import { Code, ConnectError } from "@connectrpc/connect";
import { failureOf } from "../api/failure.ts";

function words(error: unknown): { readonly title: string; readonly text: string; readonly again: boolean } {
  const { code } = ConnectError.from(error);
  if (code === Code.NotFound) {
    return {
      title: "No longer in the CAS",
      text: "This blob was evicted to make room, or was never uploaded. Running the action again brings it back.",
      again: false,
    };
  }
  if (code === Code.Unimplemented) {
    return {
      title: "Blobs are not served here",
      text: "This instance or process has no ByteStream service: see the setting services. Its blobs are read from another server.",
      again: false,
    };
  }
  if (ConnectError.from(error).cause === undefined && code === Code.Unknown) {
    return { title: "Not readable", text: "The blob is damaged, or of another kind than it should be.", again: false };
  }
  const { code: name, message } = failureOf(error);
  return { title: name, text: message, again: true };
}

/** Why a blob cannot be shown. */
export function BlobProblem({
  error,
  onRetry,
}: {
  readonly error: unknown;
  readonly onRetry?: (() => void) | undefined;
}) {
  const { title, text, again } = words(error);
  return (
    <div className="blob-problem" role="status">
      <strong>{title}.</strong> {text}
      {again && onRetry && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
