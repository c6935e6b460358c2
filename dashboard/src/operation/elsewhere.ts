import { shellQuote } from "../../../src/base/shell-quote.ts";

/** A command that shows what the page shows. */
export interface ElsewhereLine {
  readonly tool: "opgrid" | "curl" | "grpcurl";
  readonly does: string;
  readonly text: string;
}

/** The address that the page came from. */
export interface Origin {
  /** `http:` or `https:`. */
  readonly protocol: string;
  readonly hostname: string;
  /** "" for the usual one. */
  readonly port: string;
}

const OPERATIONS = "google.longrunning.Operations";
const FARM = "opgrid.v1.FarmService";

const CALLS = [
  { does: "the operation, and in trailers who asked for it", method: `${OPERATIONS}/GetOperation` },
  { does: "why it waits, and who else wants it", method: `${FARM}/GetOperationStats` },
  { does: "what happened to it", method: `${FARM}/GetOperationHistory` },
  { does: "cancels it", method: `${OPERATIONS}/CancelOperation` },
] as const;

const COMMANDS = [
  { does: "the operation, and who asked for it", command: "get" },
  { does: "each change, until it is done", command: "watch" },
  { does: "why it waits", command: "stats" },
  { does: "what happened to it", command: "history" },
  { does: "cancels it", command: "cancel" },
] as const;

function opgridLines(origin: string, name: string): ElsewhereLine[] {
  const operand = name.startsWith("-") ? `-- ${shellQuote(name)}` : shellQuote(name);
  return COMMANDS.map(({ does, command }) => ({
    ...{ tool: "opgrid", does, text: `opgrid operation ${command} --remote ${shellQuote(origin)} ${operand}` },
  }));
}

/** The same with the command line, curl and grpcurl, to be pasted into a POSIX shell. */
export function elsewhere({ protocol, hostname, port }: Origin, name: string): ElsewhereLine[] {
  const secure = protocol === "https:";
  const host = `${hostname}:${port === "" ? (secure ? 443 : 80) : port}`;
  const origin = `${protocol}//${host}`;
  const body = shellQuote(JSON.stringify({ name }));
  const curl = CALLS.map(({ does, method }): ElsewhereLine => {
    const flags = method.endsWith("/GetOperation") ? "-si" : "-s";
    const url = shellQuote(`${origin}/${method}`);
    return { tool: "curl", does, text: `curl ${flags} -H 'content-type: application/json' -d ${body} ${url}` };
  });
  const grpcurl = CALLS.map(({ does, method }): ElsewhereLine => {
    const flags = [...(method.endsWith("/GetOperation") ? ["-v"] : []), ...(secure ? [] : ["-plaintext"])].join(" ");
    return { tool: "grpcurl", does, text: `grpcurl ${flags === "" ? "" : `${flags} `}-d ${body} ${host} ${method}` };
  });
  return [...opgridLines(origin, name), ...curl, ...grpcurl];
}
