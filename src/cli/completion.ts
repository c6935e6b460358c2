import { Argument, type Command } from "commander";
import { type CommandContext, withExamples } from "./command.ts";
import { type CompletionShell, completionScript, completionShells } from "./completion-scripts.ts";
import { ExitCode } from "./exit-codes.ts";

/** `opgrid completion`. Add it last: its script knows all commands of the program. */
export function addCompletion(program: Command, { shell, action }: CommandContext): void {
  const command = program
    .command("completion")
    .addArgument(new Argument("<shell>").choices(completionShells))
    .summary("print a completion script for a shell")
    .description("Prints a script that completes commands and flags of opgrid in a shell.")
    .action(
      action(async (name: CompletionShell) => {
        shell.out(completionScript(name, program));
        return ExitCode.OK;
      }),
    );
  withExamples(
    command,
    "opgrid completion bash > ~/.local/share/bash-completion/completions/opgrid",
    "opgrid completion fish > ~/.config/fish/completions/opgrid.fish",
    "source <(opgrid completion zsh)",
  );
}
