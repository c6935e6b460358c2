import { durationMs } from "@bufbuild/protobuf/wkt";
import { CodeSchema } from "../../gen/google/rpc/code_pb.ts";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  PreconditionFailureSchema,
  RetryInfoSchema,
} from "../../gen/google/rpc/error_details_pb.ts";
import { Code, StatusError } from "../base/errors.ts";
import { ConfigError } from "../config/config.ts";
import { ExitCode } from "./exit-codes.ts";
import { Interruption, type Shell } from "./shell.ts";
import { durationText, printable } from "./text.ts";

/** The user asked for something that makes no sense. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The canonical name of a status code, as `NOT_FOUND`. */
export function codeName(code: number): string {
  return CodeSchema.values.find(({ number }) => number === code)?.name ?? `CODE_${code}`;
}

/** Codes that Node gives to errors of the network, somewhere in the chain of causes. */
function nodeCodes(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const own = "code" in error && typeof error.code === "string" ? [error.code] : [];
  const inner = error instanceof AggregateError ? error.errors.flatMap(nodeCodes) : [];
  return [...own, ...inner, ...nodeCodes(error.cause)];
}

const HINTS: readonly [code: RegExp, hint: string][] = [
  [/^ECONNREFUSED$/, "nothing listens there; is the server running, and is --remote right?"],
  [/^(ENOTFOUND|EAI_AGAIN)$/, "there is no machine of this name; is --remote right?"],
  [/^(ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)$/, "the machine does not answer; is --remote right?"],
  [
    /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/,
    "the server's certificate is not trusted; --tls-ca names the authority to trust",
  ],
  [/^ERR_SSL|^EPROTO$/, "TLS failed; a server without TLS is reached by http:// or grpc://"],
  [/^ECONNRESET$/, "the connection was cut; is --remote right, with https:// or grpcs:// just for a server with TLS?"],
  [/^ERR_HTTP2_ERROR$/, "this is no HTTP/2 server; one with TLS is reached by https:// or grpcs://"],
];

function hintFor(error: StatusError): string[] {
  const codes = nodeCodes(error);
  const found = HINTS.find(([pattern]) => codes.some((code) => pattern.test(code)));
  if (found) return [found[1]];
  if (error.rawMessage.startsWith("http/2 stream closed")) return ["the connection was lost"];
  return error.code === Code.Unauthenticated ? ["--auth-token names a file with a token"] : [];
}

function details(error: StatusError): string[] {
  return [
    ...error.findDetails(ErrorInfoSchema).map(({ reason, metadata }) => {
      const fields = Object.entries(metadata).map(([name, value]) => ` ${name}=${value}`);
      return `reason: ${reason}${fields.join("")}`;
    }),
    ...error
      .findDetails(BadRequestSchema)
      .flatMap(({ fieldViolations }) =>
        fieldViolations
          .filter(({ description }) => !error.rawMessage.includes(description))
          .map(({ field, description }) => `${field}: ${description}`),
      ),
    ...error
      .findDetails(PreconditionFailureSchema)
      .flatMap(({ violations }) =>
        violations.map(({ type, subject, description }) => `${type} ${subject}${description && `: ${description}`}`),
      ),
    ...error
      .findDetails(RetryInfoSchema)
      .flatMap(({ retryDelay }) => (retryDelay ? [`try again in ${durationText(durationMs(retryDelay))}`] : [])),
  ];
}

/** What is said about a failed call: a line with the code, and a line for each detail and hint. */
export function statusText(error: StatusError): string {
  const message = error.rawMessage.trimEnd().split("\n").map(printable).join("\n  ");
  const more = [...details(error).map(printable), ...hintFor(error).map((hint) => `hint: ${hint}`)];
  return [`${codeName(error.code)}: ${message}`, ...more].join("\n  ");
}

/** Canceled is what Node makes of a stream whose connection ends; that this side did not cancel is for the caller to know. */
const OUTAGES: ReadonlySet<Code> = new Set([Code.Unavailable, Code.DeadlineExceeded, Code.Canceled]);

/** True when the call failed because the connection, or the server, went away: the same call may succeed soon. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof StatusError)) return false;
  return OUTAGES.has(error.code) || nodeCodes(error).length > 0;
}

/** Tells the user what went wrong, and answers the exit code. A command that the user stopped ends without a word. */
export function reportFailure(error: unknown, shell: Shell): number {
  const { reason } = shell.signal;
  if (reason instanceof Interruption) return reason.exitCode;
  if (error instanceof StatusError) {
    shell.err(`error: ${statusText(error)}\n`);
    return ExitCode.FAILED;
  }
  shell.err(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  return error instanceof ConfigError || error instanceof UsageError ? ExitCode.USAGE : ExitCode.FAILED;
}
