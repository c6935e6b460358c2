import { Command, CommanderError } from "commander";
import { addBot } from "./bot.ts";
import { type CommandContext, withExamples } from "./command.ts";
import { addCompletion } from "./completion.ts";
import { ExitCode } from "./exit-codes.ts";
import { reportFailure } from "./failure.ts";
import { addFigures } from "./figures.ts";
import { addMigrate } from "./migrate.ts";
import { addOperation } from "./operation.ts";
import { addQueue } from "./queue.ts";
import { addServe } from "./serve.ts";
import type { Shell } from "./shell.ts";
import { version } from "./version.ts";
import { addWorkers } from "./workers.ts";

export { processShell, type Shell } from "./shell.ts";

function createProgram(shell: Shell): Command {
  return new Command("opgrid")
    .description("The operations server of a remote-execution build farm, its worker and its command line.")
    .version(version())
    .exitOverride()
    .showHelpAfterError("(--help tells more)")
    .configureOutput({
      writeOut: (text) => shell.out(text),
      writeErr: (text) => shell.err(text),
      getOutHelpWidth: () => (shell.terminal ? shell.columns : 100),
    });
}

/** Runs one command line, without the program's own name. Answers the exit code; never throws. */
export async function run(argv: readonly string[], shell: Shell): Promise<number> {
  let exitCode: number = ExitCode.OK;
  const context: CommandContext = {
    shell,
    action:
      (work) =>
      async (...args) => {
        exitCode = await work(...args).catch((error: unknown) => reportFailure(error, shell));
      },
  };
  const program = createProgram(shell);
  addServe(program, context);
  addBot(program, context);
  addOperation(program, context);
  addWorkers(program, context);
  addQueue(program, context);
  addMigrate(program, context);
  addFigures(program, context);
  addCompletion(program, context);
  withExamples(program, "opgrid serve", "opgrid operation list --instance-name main");
  try {
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportFailure(error, shell);
    return error.exitCode === 0 ? ExitCode.OK : ExitCode.USAGE;
  }
  return exitCode;
}
