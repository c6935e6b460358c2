import type { Options } from "../options.ts";
import type { BenchServer } from "../servers.ts";

/** What a study works with. */
export interface StudyBench {
  readonly options: Options;
  /** For data directories; removed at the end, whatever happens. */
  readonly directory: string;
  /** Starts a server of the study's own, which ends with the study. */
  startOpgrid(name: string, setup: { dataDir: string; instances: readonly string[] }): Promise<BenchServer>;
  /** Tells the user what is going on. */
  say(line: string): void;
}

/** Measures what has no echo to be compared with, one name of `--only`; answers a Markdown table. */
export type Study = (bench: StudyBench) => Promise<string>;
