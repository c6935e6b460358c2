import type { Command } from "commander";

/** Which operations, and in what order, as commander hands it over. */
export interface FilterFlags {
  readonly filter?: string;
  readonly sort?: readonly string[];
}

const append = (value: string, before: readonly string[] = []): string[] => [...before, value];

/** Adds the flags. */
export function withFilterFlags(command: Command): Command {
  return command
    .option("--filter-string, --filter <text>", "which ones, as in 'stage = EXECUTING'; see docs/filter.md")
    .option(
      "--sort <key>",
      "in which order, as in queued_time(desc); may be repeated; takes all stages without --filter",
      append,
    );
}

/** The filter that the flags mean: the order is a part of the filter language. */
export function filterOf({ filter, sort = [] }: FilterFlags): string {
  return [...(filter ? [filter] : []), ...sort.map((key) => `sort_order=${key}`)].join(" & ");
}
