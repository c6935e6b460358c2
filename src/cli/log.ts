import { pino } from "pino";
import type { Logger } from "../base/log.ts";
import type { Config } from "../config/config.ts";
import { printable } from "./text.ts";

const STDERR = 2;

function fieldText(value: unknown): string {
  return typeof value === "string" && /^[\w./:@+-]+$/.test(value) ? value : (JSON.stringify(value) ?? "");
}

/** A line of the log for people: time, level, message, fields; the stack of an error below. */
export function logLineText(json: string): string {
  const { time, level, msg, err, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const { stack, message } = (err ?? {}) as { stack?: unknown; message?: unknown };
  const shown = Object.entries(fields).map(([name, value]) => ` ${name}=${fieldText(value)}`);
  const clock = String(time).slice(11, 23);
  const head = printable(`${clock} ${String(level).toUpperCase().padEnd(5)} ${msg}${shown.join("")}`);
  const below = String(stack ?? message ?? "");
  return below === ""
    ? `${head}\n`
    : `${head}\n${below
        .split("\n")
        .map((line) => `  ${printable(line)}\n`)
        .join("")}`;
}

/** The log of the server, on standard error: JSON lines, or text for people. */
export function createLog({ level, format }: Config["log"], terminal: boolean): Logger {
  const destination = pino.destination({ dest: STDERR, sync: true });
  const asText = format === "text" || (format === "auto" && terminal);
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, asText ? { write: (line: string) => destination.write(logLineText(line)) } : destination);
}
