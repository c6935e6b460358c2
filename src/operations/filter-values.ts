import { Code } from "../base/errors.ts";
import type { FilterValue } from "./filter-tree.ts";
import { Stage } from "./record.ts";

/** What the values of a key are. */
export type ValueTypeName = "text" | "number" | "boolean" | "time" | "duration" | "stage" | "code" | "platform";

/** How values of one type are written. */
export interface ValueType {
  readonly name: ValueTypeName;
  /** As it reads after "a value of stage is". */
  readonly expects: string;
  /** All values where there are few; for suggestions. */
  readonly values: readonly string[];
  /** The typed value of a word of the filter, or undefined when it is none. */
  parse(word: string): FilterValue | undefined;
  /** The word that `parse` turns into `value`. */
  print(value: FilterValue): string;
}

const INTEGER = /^-?\d{1,15}$/;

function parseInteger(word: string): number | undefined {
  // Without -0, which prints as 0.
  return INTEGER.test(word) ? Number(word) || 0 : undefined;
}

/** Any text. */
export const textType: ValueType = {
  name: "text",
  expects: "a text",
  values: [],
  parse: (word) => word,
  print: String,
};

/** Whole numbers. */
export const numberType: ValueType = {
  name: "number",
  expects: "a whole number",
  values: [],
  parse: parseInteger,
  print: String,
};

/** True or false, as 1 and 0. */
export const booleanType: ValueType = {
  name: "boolean",
  expects: "true or false",
  values: ["true", "false"],
  parse: (word) => ({ true: 1, false: 0 })[word.toLowerCase()],
  print: (value) => (value === 1 ? "true" : "false"),
};

function namedType(name: ValueTypeName, byName: ReadonlyMap<string, number>, alsoNumbers: boolean): ValueType {
  const values = [...byName.keys()];
  return {
    name,
    expects: `one of ${values.join(", ")}${alsoNumbers ? ", or a number" : ""}`,
    values,
    parse: (word) => byName.get(word.toUpperCase()) ?? (alsoNumbers ? parseInteger(word) : undefined),
    print: (value) => values.find((each) => byName.get(each) === value) ?? String(value),
  };
}

/** Stages, by name in any case. */
export const stageType: ValueType = namedType("stage", new Map(Object.entries(Stage)), false);

const codes = Object.entries(Code).filter((entry): entry is [string, Code] => typeof entry[1] === "number");

function canonicalName(name: string): string {
  return name === "Canceled" ? "CANCELLED" : name.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}

/** Codes of google.rpc.Code other than OK, by canonical name in any case or as numbers. */
export const codeType: ValueType = namedType(
  "code",
  new Map(codes.map(([name, code]) => [canonicalName(name), code])),
  true,
);

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(?:\d{1,15}(?:\.\d{1,9})?(?:ms|[smhd]))+$/;
const DURATION_PART = /([\d.]+)(ms|[smhd])/g;

/** Milliseconds of a duration as `90s`, `1.5h` or `1h30m`; undefined when it is none. Less than one is dropped. */
export function parseDuration(word: string): number | undefined {
  if (word === "0") return 0;
  if (!DURATION.test(word)) return undefined;
  let ms = 0;
  for (const [, count, unit = ""] of word.matchAll(DURATION_PART)) ms += Number(count) * (UNIT_MS[unit] ?? Number.NaN);
  // Rounded first, as 1.001 s is a little less than 1001 ms in binary.
  const whole = Math.floor(Math.round(ms * 1e6) / 1e6);
  return Number.isSafeInteger(whole) ? whole : undefined;
}

/** The shortest text in one unit that `parseDuration` reads as these milliseconds. */
export function printDuration(ms: number): string {
  const unit = ["d", "h", "m", "s"].find((each) => ms !== 0 && ms % (UNIT_MS[each] ?? 1) === 0) ?? "ms";
  return `${ms / (UNIT_MS[unit] ?? 1)}${unit}`;
}

/** Durations. */
export const durationType: ValueType = {
  name: "duration",
  expects: "a duration as 90s, 1.5h or 1h30m, in d, h, m, s and ms",
  values: [],
  parse: parseDuration,
  print: (value) => printDuration(Number(value)),
};

const ZONE = String.raw`(?<zone>[Zz]|(?<sign>[+-])(?<zoneHour>\d{2})(?::?(?<zoneMinute>\d{2}))?)?`;
const SECONDS = String.raw`(?:\.(?<fraction>\d{1,9}))?`;
const EXTENDED = new RegExp(
  String.raw`^(?<year>\d{4})-(?<month>\d{2})-(?<day>\d{2})(?:[Tt ](?<hour>\d{2}):(?<minute>\d{2})(?::(?<second>\d{2})${SECONDS})?${ZONE})?$`,
);
const BASIC = new RegExp(
  String.raw`^(?<year>\d{4})(?<month>\d{2})(?<day>\d{2})(?:[Tt](?<hour>\d{2})(?<minute>\d{2})(?:(?<second>\d{2})${SECONDS})?${ZONE})?$`,
);

/**
 * Milliseconds since the epoch of an ISO 8601 time, extended or basic, or of a date, which means its first moment.
 * Without a zone it is UTC. What is finer than a millisecond is dropped.
 */
export function parseTime(word: string): number | undefined {
  const parts = (EXTENDED.exec(word) ?? BASIC.exec(word))?.groups;
  if (!parts) return undefined;
  const of = (name: string): number => Number(parts[name] ?? 0);
  const ms = Number((parts.fraction ?? "").padEnd(3, "0").slice(0, 3));
  const local = new Date(0);
  local.setUTCFullYear(of("year"), of("month") - 1, of("day"));
  // A day that the month has not would have rolled over.
  if (local.getUTCMonth() !== of("month") - 1 || local.getUTCDate() !== of("day")) return undefined;
  if (of("hour") > 23 || of("minute") > 59 || of("second") > 59) return undefined;
  if (of("zoneHour") > 23 || of("zoneMinute") > 59) return undefined;
  local.setUTCHours(of("hour"), of("minute"), of("second"), ms);
  const offset = (of("zoneHour") * 60 + of("zoneMinute")) * (parts.sign === "-" ? -60_000 : 60_000);
  const time = local.getTime() - offset;
  return time >= FIRST_TIME && time <= LAST_TIME ? time : undefined;
}

const FIRST_TIME = Date.parse("0000-01-01T00:00:00Z");
const LAST_TIME = Date.parse("9999-12-31T23:59:59.999Z");

/** Times. Those relative to now are not values yet: see `parseRelativeTime`. */
export const timeType: ValueType = {
  name: "time",
  expects: "an ISO 8601 time as 2026-01-31T08:00:00+01:00, or one relative to now as now-1h",
  values: [],
  parse: parseTime,
  print: (value) => new Date(Number(value)).toISOString(),
};

const RELATIVE = /^now(?:(?<sign>[+-])(?<duration>.+))?$/;

/** The offset from now in milliseconds of `now`, `now-1h` or `now+90s`; undefined for any other word. */
export function parseRelativeTime(word: string): number | undefined {
  const parts = RELATIVE.exec(word);
  if (!parts) return undefined;
  const { sign, duration } = parts.groups ?? {};
  if (duration === undefined) return 0;
  const ms = parseDuration(duration);
  if (ms === undefined || ms > LAST_TIME) return undefined;
  return sign === "-" && ms !== 0 ? -ms : ms;
}

/** What `parseRelativeTime` reads as this offset. */
export function printRelativeTime(offsetMs: number): string {
  if (offsetMs === 0) return "now";
  return `now${offsetMs < 0 ? "-" : "+"}${printDuration(Math.abs(offsetMs))}`;
}
