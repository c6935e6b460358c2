import type { Command } from "commander";
import { type Config, loadConfig, type Setting } from "../config/config.ts";
import { type CommandContext, withExamples } from "./command.ts";
import { inputsOf, withSettings } from "./config-flags.ts";
import { ExitCode } from "./exit-codes.ts";
import type { Shell } from "./shell.ts";

/** Whether it has to do with where the state is. */
function isOfTheStore({ key, path }: Setting): boolean {
  return key === "data_dir" || path[0] === "store";
}

async function bringForward(config: Config, shell: Shell): Promise<void> {
  // The other commands would load the whole server otherwise.
  const { migrate } = await import("../app.ts");
  let applied = 0;
  const current = await migrate(config, shell.clock, {
    applied: (migration) => {
      applied++;
      shell.out(`${migration} applied\n`);
    },
    waiting: (migration) => shell.err(`${migration} waits for a table that is in use\n`),
  });
  if (applied === 0) shell.out(`already at ${current}\n`);
}

async function tell(config: Config, shell: Shell): Promise<void> {
  const { planMigrate } = await import("../app.ts");
  const { current, pending } = await planMigrate(config);
  for (const { title, compatible } of pending) shell.out(`${title} pending${compatible ? ", compatible" : ""}\n`);
  if (pending.length === 0) shell.out(`already at ${current}\n`);
}

/** `opgrid migrate`. */
export function addMigrate(parent: Command, context: CommandContext): void {
  const { shell } = context;
  const command = parent
    .command("migrate")
    .summary("bring the schema of the store forward")
    .description("Brings the schema of the configured store forward, as a server does when it starts, and ends.")
    .option("--dry-run", "tell what is to do, and do nothing");
  withSettings(command, isOfTheStore);
  command.action(
    context.action(async () => {
      const config = loadConfig(inputsOf(command, shell));
      await (command.opts().dryRun ? tell : bringForward)(config, shell);
      return ExitCode.OK;
    }),
  );
  withExamples(command, "opgrid migrate --config opgrid.yaml --dry-run", "opgrid migrate --data-dir /var/lib/opgrid");
}
