/** One thing that is wrong with the configuration. */
export interface Problem {
  /** The setting, as `cas.max_bytes` or `instances[0].name`; "" when it is none. */
  readonly key: string;
  /** Where it was said: `opgrid.yaml:12`, an environment variable, or a flag; "" when nobody said it. */
  readonly source: string;
  readonly message: string;
}

function line({ key, source, message }: Problem): string {
  const place = source && `${source}: `;
  return key === "" ? `${place}${message}` : `${place}${key} ${message}`;
}

/** The configuration cannot be used. The message lists every problem, one a line. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const count = problems.length === 1 ? "a problem" : `${problems.length} problems`;
    super(`the configuration has ${count}:\n${problems.map((problem) => `  ${line(problem)}`).join("\n")}`);
    this.name = "ConfigError";
    this.problems = problems;
  }
}
