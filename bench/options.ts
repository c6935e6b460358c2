import { parseArgs } from "node:util";

/** How long and what is measured. */
export interface Options {
  /** The groups of rows that are wanted. */
  readonly only: readonly string[];
  readonly rounds: number;
  /** The length of one server's part of a round. */
  readonly seconds: number;
  /** After this long the bench gives up, whatever it has. */
  readonly limitSeconds: number;
  /** Operations in the larger of the two tables that lists are compared on. */
  readonly largeTable: number;
  /** What to know before these figures are compared with others; "" for a whole run. */
  readonly caveat: string;
  /** Where opgrid writes CPU profiles; undefined for none. */
  readonly profileDir: string | undefined;
  /** Flags for `opgrid serve`, besides those that the bench needs. */
  readonly serverFlags: readonly string[];
}

const usage = (groups: readonly string[]) => `npm run bench -- [options] [-- flags of opgrid serve]
  --quick             fewer and shorter rounds, and a smaller table; about a minute
  --only a,b          some of: ${groups.join(", ")}
  --cpu-prof DIR      opgrid writes CPU profiles there, to be opened in Chrome's DevTools
`;

const whole = { rounds: 5, seconds: 1, limitSeconds: 480, largeTable: 1_000_000, caveat: "" };
const quick = {
  ...{ rounds: 3, seconds: 0.4, limitSeconds: 120, largeTable: 100_000 },
  caveat: "A quick run: few and short rounds, and 100,000 operations where a whole run has 1,000,000.",
};

/** What is printed instead of measuring. */
export interface Notice {
  readonly text: string;
  readonly exitCode: number;
}

/** Reads the command line; answers a notice when it asks for help or cannot be understood. */
export function readOptions(args: readonly string[], groups: readonly string[]): Options | Notice {
  const refuse = (problem: string) => ({ text: `${problem}\n${usage(groups)}`, exitCode: 2 });
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        quick: { type: "boolean", default: false },
        only: { type: "string" },
        "cpu-prof": { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) return { text: usage(groups), exitCode: 0 };
    const only = values.only?.split(",") ?? groups;
    const unknown = only.filter((name) => !groups.includes(name));
    if (unknown.length > 0) return refuse(`unknown: ${unknown.join(", ")}`);
    const effort = values.quick ? quick : whole;
    return { ...effort, only, profileDir: values["cpu-prof"], serverFlags: positionals };
  } catch (error) {
    return refuse((error as Error).message);
  }
}
