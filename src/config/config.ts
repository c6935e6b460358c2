import { check } from "./check.ts";
import { print } from "./print.ts";
import { type Config, resolve } from "./resolve.ts";
import { type ConfigInputs, gather } from "./sources.ts";

export { type ServiceName, serviceNames } from "./instance-list.ts";
export { ConfigError, type Problem } from "./problems.ts";
export type { Config, InstanceConfig } from "./resolve.ts";
export { otherVariables, type Setting, settings } from "./settings.ts";
export type { ConfigInputs } from "./sources.ts";
export { type ListenAddress, parseDuration, parseSize } from "./units.ts";

/**
 * The configuration of a server: defaults, overruled by the file, by the environment, by flags. Reads nothing but what it
 * is given and the configuration file. Throws a ConfigError that lists every problem.
 */
export function loadConfig(inputs: ConfigInputs = {}): Config {
  return resolve(check(gather(inputs)));
}

/** The same configuration as a YAML file, which loads again; each value has its source in a comment, passwords are left out. Throws as well. */
export function printConfig(inputs: ConfigInputs = {}): string {
  const said = gather(inputs);
  check(said);
  return print(said);
}
