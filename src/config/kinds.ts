import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { urlWithoutPassword, withoutPasswords } from "../base/secrets.ts";
import { type ListenAddress, parseDuration, parseListen, parseSize } from "./units.ts";

/**
 * One setting. `Suffix` is what its name gets in code: durations are counted in milliseconds there and end with `Ms`.
 */
export interface Leaf<T, Suffix extends "" | "Ms" = ""> {
  /** Checks a value as it stands in a file and turns it into the value that code sees. */
  readonly schema: z.ZodType<T>;
  /** Turns the text of an environment variable or a flag into what could stand in a file. May throw. */
  readonly fromText: (text: string) => unknown;
  /** The default, as it would stand in a file; undefined when there is none. */
  readonly fallback: unknown;
  readonly suffix: Suffix;
  /** What may be shown of a value as it stands in a file; all of it by default. */
  readonly shown?: (value: unknown) => unknown;
  /** Its flag, where that is not made of its place. */
  readonly flag?: string;
  readonly description: string;
  /** What may be written, for people. */
  readonly type: string;
  /** The same in a word. */
  readonly placeholder: string;
}

/** Bounds of a value, both allowed, in the notation of the setting. */
interface Range<T> {
  readonly min?: T;
  readonly max?: T;
}

/** A value as it is quoted in a problem, without passwords. */
export function quoted(value: unknown): string {
  const text = withoutPasswords(JSON.stringify(value) ?? "nothing");
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function parsed<T>(parse: (value: unknown) => T | undefined, expected: string): z.ZodType<T> {
  return z.unknown().transform((value, context): T => {
    const result = parse(value);
    if (result !== undefined) return result;
    context.addIssue({
      code: "custom",
      message: `must be ${expected}, not ${quoted(value)}`,
    });
    return z.NEVER;
  });
}

function within(parse: (value: unknown) => number | undefined, range: Range<string>) {
  const min = range.min === undefined ? 0 : (parse(range.min) ?? Number.NaN);
  const max = range.max === undefined ? Number.MAX_SAFE_INTEGER : (parse(range.max) ?? Number.NaN);
  return (value: unknown): number | undefined => {
    const number = parse(value);
    return number !== undefined && number >= min && number <= max ? number : undefined;
  };
}

function rangeText({ min, max }: Range<string | number>): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  if (min !== undefined) return ` of at least ${min}`;
  return max === undefined ? "" : ` of at most ${max}`;
}

/** What all settings have beside their schema. */
interface Documentation {
  readonly description: string;
  readonly fallback: unknown;
  readonly type: string;
  readonly placeholder: string;
}

function leaf<T>(schema: z.ZodType<T>, about: Documentation, fromText: (text: string) => unknown = (text) => text) {
  return { schema, fromText, suffix: "", ...about } satisfies Leaf<T>;
}

/** A number of bytes, as `64MiB`, `10GB` or 4096. */
export function size(description: string, fallback: string, range: Range<string> = {}): Leaf<number> {
  const type = `size${rangeText(range)}`;
  const schema = parsed(within(parseSize, range), `a ${type}, like 64MiB or 10GB`);
  return leaf(schema, { description, fallback, type, placeholder: "size" });
}

/** A duration, as `500ms`, `30s`, `5m`, `2h` or `1d`; 24 days at most, which is what a timer can hold. */
export function duration(description: string, fallback: string, range: Range<string> = {}): Leaf<number, "Ms"> {
  const bounds = { max: "24d", ...range };
  const type = `duration${rangeText(bounds)}`;
  const schema = parsed(within(parseDuration, bounds), `a ${type}, like 500ms, 30s, 5m or 2h`);
  return { ...leaf(schema, { description, fallback, type, placeholder: "duration" }), suffix: "Ms" };
}

/** A whole number. */
export function integer(description: string, fallback: number, range: Required<Range<number>>): Leaf<number> {
  const type = `integer${rangeText(range)}`;
  const accept = (value: unknown) =>
    typeof value === "number" && Number.isInteger(value) && value >= range.min && value <= range.max
      ? value
      : undefined;
  const fromText = (text: string) => (/^[+-]?\d+$/.test(text.trim()) ? Number(text) : text);
  return leaf(parsed(accept, `an ${type}`), { description, fallback, type, placeholder: "number" }, fromText);
}

/** True or false. */
export function toggle(description: string, fallback: boolean): Leaf<boolean> {
  const accept = (value: unknown) => (typeof value === "boolean" ? value : undefined);
  const fromText = (text: string) => (text === "true" ? true : text === "false" ? false : text);
  const type = "true or false";
  return leaf(parsed(accept, type), { description, fallback, type, placeholder: "true|false" }, fromText);
}

/** One word out of a few. */
export function choice<const T extends string>(description: string, words: readonly T[], fallback: T): Leaf<T> {
  const type = `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
  const accept = (value: unknown) => words.find((word) => word === value);
  return leaf(parsed(accept, type), { description, fallback, type, placeholder: words.join("|") });
}

/** Any text. */
export function text(description: string, fallback: string): Leaf<string> {
  const accept = (value: unknown) => (typeof value === "string" ? value : undefined);
  return leaf(parsed(accept, "text"), { description, fallback, type: "text", placeholder: "text" });
}

/** Text that must be accepted, or nothing. */
export function optionalText(
  description: string,
  item: { readonly accept: (value: string) => boolean; readonly expected: string; readonly placeholder: string },
): Leaf<string> {
  const accept = (value: unknown) =>
    typeof value === "string" && (value === "" || item.accept(value)) ? value : undefined;
  const { expected, placeholder } = item;
  return leaf(parsed(accept, expected), { description, fallback: "", type: expected, placeholder });
}

const pathSchema = parsed(
  (value: unknown) => (typeof value === "string" && value !== "" && !value.includes("\0") ? value : undefined),
  "a path",
);

/** A path of a file or directory; a relative one starts at the working directory. */
export function path(description: string, fallback: string): Leaf<string> {
  return leaf(pathSchema, { description, fallback, type: "path", placeholder: "path" });
}

/** A path that may be left out. */
export function optionalPath(description: string): Leaf<string | undefined> {
  return leaf(pathSchema.optional(), { description, fallback: undefined, type: "path", placeholder: "path" });
}

/** Paths of files, of which there may be none. */
export function paths(description: string, flag: string): Leaf<readonly string[] | undefined> {
  const schema = z.array(pathSchema, {
    error: (issue) => `must be a list, each item a path, not ${quoted(issue.input)}`,
  });
  const about = { description, fallback: undefined, type: "list, each a path", placeholder: "paths" };
  return { ...leaf(schema.optional(), about, listFromText), flag };
}

const urlExpected =
  "postgres://user@host:port/database, with %2F for /, %3F for ?, %23 for # and %40 for @ in a password";

/** An `@` behind the host was meant to end a password, parts of which would be taken for host, database and parameters. */
function parseDatabaseUrl(value: unknown): string | undefined {
  if (typeof value !== "string" || !/^postgres(ql)?:\/\//.test(value) || !URL.canParse(value)) return undefined;
  const { pathname, search, hash } = new URL(value);
  return `${pathname}${search}${hash}`.includes("@") ? undefined : value;
}

function shownUrl(value: unknown): unknown {
  return typeof value === "string" ? urlWithoutPassword(value) : value;
}

/** The embedded database, `sqlite`, or the URL of one of PostgreSQL. */
export function database(description: string, flag: string): Leaf<string> {
  const about = { description, fallback: "sqlite", type: "sqlite or a postgres:// URL", placeholder: "url" };
  const accept = (value: unknown) => (value === "sqlite" ? value : parseDatabaseUrl(value));
  return { ...leaf(parsed(accept, `sqlite, or ${urlExpected}`), about), flag, shown: shownUrl };
}

/** The URL of a database of PostgreSQL that may be left out. */
export function optionalDatabaseUrl(description: string): Leaf<string | undefined> {
  const schema = parsed(parseDatabaseUrl, `a URL like ${urlExpected}`).optional();
  const about = { description, fallback: undefined, type: "postgres:// URL", placeholder: "url" };
  return { ...leaf(schema, about), shown: shownUrl };
}

/** `host:port` or `[address]:port`. */
export function listenAddress(description: string, fallback: string): Leaf<ListenAddress> {
  const expected = "host:port, like 127.0.0.1:50051, [::1]:50051 or, for all interfaces, 0.0.0.0:50051";
  return leaf(parsed(parseListen, expected), { description, fallback, type: "host:port", placeholder: "host:port" });
}

/** The items of `a, b`, or of a list in YAML or JSON. Throws when the latter is malformed. */
export function listFromText(text: string): unknown {
  return text.trimStart().startsWith("[") ? parseYaml(text) : text.split(",").map((item) => item.trim());
}

/** A list of words, each of which must be accepted; in text, separated by commas. */
export function list<T>(
  description: string,
  fallback: readonly T[],
  item: { readonly accept: (value: unknown) => T | undefined; readonly expected: string },
): Leaf<readonly T[]> {
  const schema = z
    .array(parsed(item.accept, item.expected), {
      error: (issue) => `must be a list, each item ${item.expected}, not ${quoted(issue.input)}`,
    })
    .min(1, { error: "must not be empty" });
  const type = `list, each ${item.expected}`;
  return leaf(schema, { description, fallback, type, placeholder: "list" }, listFromText);
}
