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
}

const usage = (groups: readonly string[]) => `npm run bench -- [options]
  --quick             fewer and shorter rounds, under 40 s in all
  --only a,b          some of: ${groups.join(", ")}
  --cpu-prof DIR      opgrid writes CPU profiles there, to be opened in Chrome's DevTools
`;

/** Reads the command line; answers the text to print instead when it asks for help or cannot be understood. */
export function readOptions(args: readonly string[], groups: readonly string[]): Options | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        quick: { type: "boolean", default: false },
        only: { type: "string" },
        "cpu-prof": { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) return usage(groups);
    const only = values.only?.split(",") ?? groups;
    const unknown = only.filter((name) => !groups.includes(name));
    if (unknown.length > 0) return `unknown: ${unknown.join(", ")}\n${usage(groups)}`;
    const size = values.quick
      ? { rounds: 3, seconds: 0.4, limitSeconds: 40 }
      : { rounds: 5, seconds: 1, limitSeconds: 180 };
    return { ...size, only, profileDir: values["cpu-prof"] };
  } catch (error) {
    return `${(error as Error).message}\n${usage(groups)}`;
  }
}
