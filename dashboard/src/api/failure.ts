import { Code, ConnectError } from "@connectrpc/connect";

/** An error as people want to read it. */
export interface Failure {
  /** The canonical name of the code, as `NOT_FOUND`. */
  readonly code: string;
  readonly message: string;
  /** What to do about it. */
  readonly advice: string;
  /** Whether the same call may succeed later. */
  readonly passing: boolean;
}

const ADVICE: Partial<Record<Code, string>> = {
  [Code.Unavailable]: "The server cannot be reached or is shutting down. This page tries again by itself.",
  [Code.NotFound]: "It was deleted or is past the time for which ended operations are kept, or the link is wrong.",
  [Code.InvalidArgument]: "Correct what is marked, or what the address of this page asks for, and try again.",
  [Code.PermissionDenied]: "Ask who runs the server for the right to see this.",
  [Code.Unauthenticated]: "Sign in, or ask who runs the server how to.",
  [Code.Unimplemented]: "This process does not offer the service: see its setting `services`.",
  [Code.DeadlineExceeded]: "The server took too long. Try again, perhaps with a narrower filter.",
  [Code.ResourceExhausted]: "The server is at a limit. Try again later, or with less at a time.",
  [Code.Internal]: "This is a fault of the server. Its log has more under the request id of the message.",
  [Code.DataLoss]: "Stored data is damaged. The server's log has more.",
};

const PASSING = new Set<Code>([Code.Unavailable, Code.DeadlineExceeded, Code.ResourceExhausted, Code.Aborted]);

/** The canonical name of a google.rpc.Code, as `DEADLINE_EXCEEDED`. */
export function codeName(code: number): string {
  if (code === 0) return "OK";
  if (code === Code.Canceled) return "CANCELLED";
  const name = Code[code];
  return name === undefined ? `code ${code}` : name.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}

/** Describes whatever was thrown. A fetch that failed is the server that cannot be reached. */
export function failureOf(thrown: unknown): Failure {
  const error = ConnectError.from(thrown);
  const unreachable = error.code === Code.Unknown && error.cause instanceof TypeError;
  const code = unreachable ? Code.Unavailable : error.code;
  return {
    code: codeName(code),
    message: unreachable ? "the server cannot be reached" : error.rawMessage,
    advice: ADVICE[code] ?? "Try again; if it stays, the server's log has more.",
    passing: PASSING.has(code),
  };
}
