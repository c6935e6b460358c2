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
  /** Where opgrid writes CPU profiles; undefined for none. */
  readonly profileDir: string | undefined;
  /** Flags for `opgrid serve`, besides those that the bench needs. */
  readonly serverFlags: readonly string[];
}

const usage = (groups: readonly string[]) => `npm run bench -- [options] [-- flags of opgrid serve]
  --quick             fewer and shorter rounds, under 40 s in all
  --only a,b          some of: ${groups.join(", ")}
  --cpu-prof DIR      opgrid writes CPU profiles there, to be opened in Chrome's DevTools
`;

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
    const size = values.quick
      ? { rounds: 3, seconds: 0.4, limitSeconds: 40 }
      : { rounds: 5, seconds: 1, limitSeconds: 180 };
    return { ...size, only, profileDir: values["cpu-prof"], serverFlags: positionals };
  } catch (error) {
    return refuse((error as Error).message);
  }
}
