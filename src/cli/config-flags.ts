import { type Command, Option } from "commander";
import { withoutPasswords } from "../base/secrets.ts";
import { type ConfigInputs, otherVariables, type Setting, settings } from "../config/config.ts";
import { UsageError } from "./failure.ts";
import type { Shell } from "./shell.ts";

/**
 * Adds `--config` and a flag for every setting, so that one file and one command line do for several commands; help tells
 * only of those that `matters`. The configuration complains about unknown flags.
 */
export function withSettings(command: Command, matters: (setting: Setting) => boolean = () => true): Command {
  command
    .option("--config <file>", `YAML file with settings (env ${otherVariables.config})`)
    .allowUnknownOption()
    .allowExcessArguments();
  for (const setting of settings) command.addOption(option(setting).hideHelp(!matters(setting)));
  return command;
}

function helpOf({ description, env, fallback, key }: Setting): string {
  const shown = key === "instances" || fallback === undefined ? "" : `default ${fallback}, `;
  return `${description} (${shown}env ${env})`;
}

function option(setting: Setting): Option {
  const [section = "", ...rest] = setting.path;
  const made = new Option(`--${setting.flag} <${setting.placeholder}>`, helpOf(setting));
  return made.helpGroup(rest.length === 0 ? "Settings:" : `Settings of ${section}:`);
}

/** Flags that commander does not know, by name; the configuration complains about them together with everything else. */
function unknownFlags(args: readonly string[]): Record<string, string> {
  const flags: Record<string, string> = {};
  let name: string | undefined;
  for (const arg of args) {
    const [, flag, value] = /^--?([^=]+)(?:=(.*))?$/s.exec(arg) ?? [];
    if (flag !== undefined) flags[flag] = value ?? "";
    else if (name === undefined) throw new UsageError(`unexpected argument: ${withoutPasswords(arg)}`);
    name = value === undefined ? flag : undefined;
  }
  return flags;
}

/** What the command line and the environment say of settings. Throws a UsageError for words that are no flags. */
export function inputsOf(command: Command, shell: Shell): ConfigInputs {
  const given = command.opts<Record<string, unknown>>();
  const known = command.options.flatMap((option): [string, string][] => {
    const value = given[option.attributeName()];
    return typeof value === "string" ? [[option.name(), value]] : [];
  });
  return { flags: { ...unknownFlags(command.args), ...Object.fromEntries(known) }, env: shell.env };
}
