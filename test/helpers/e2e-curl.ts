import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** What a server answered to curl. */
export interface Answer {
  readonly status: number;
  /** The version of HTTP that was spoken, `1.1` or `2`. */
  readonly protocol: string;
  /** By their names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Record<string, unknown>;
}

const LARGEST_ANSWER = 64 * 1024 * 1024;

/** Makes one request for JSON, with the options of curl that say which. It is given up after a minute. */
export async function curl(protocol: "1.1" | "2", options: readonly string[]): Promise<Answer> {
  const version = protocol === "2" ? "--http2-prior-knowledge" : "--http1.1";
  const { stdout } = await promisify(execFile)("curl", ["-sS", "-i", "--max-time", "60", version, ...options], {
    maxBuffer: LARGEST_ANSWER,
  });
  const end = stdout.indexOf("\r\n\r\n");
  const [statusLine = "", ...headerLines] = stdout.slice(0, end).split("\r\n");
  const [, spoken = "", status] = /^HTTP\/(\S+) (\d+)/.exec(statusLine) ?? [];
  const headers = headerLines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  const body = JSON.parse(stdout.slice(end + 4));
  return { status: Number(status), protocol: spoken, headers: new Map(headers), body };
}
