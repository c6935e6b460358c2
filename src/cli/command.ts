import type { Command } from "commander";
import { withMetadataFlags } from "./call-metadata.ts";
import { type Clients, openClients, type RemoteFlags, withRemoteFlags } from "./client.ts";
import type { Shell } from "./shell.ts";

/** What the files of single commands get to add theirs. */
export interface CommandContext {
  readonly shell: Shell;
  /** Makes an action whose result becomes the exit code and whose errors are reported. */
  action<A extends unknown[]>(work: (...args: A) => Promise<number>): (...args: A) => Promise<void>;
}

/** Adds a paragraph with commands to try at the end of a command's help. */
export function withExamples(command: Command, ...examples: string[]): Command {
  const lines = examples.map((example) => `  ${example}`);
  return command.addHelpText("after", `\nExample${examples.length > 1 ? "s" : ""}:\n${lines.join("\n")}`);
}

/** Makes a command that calls a server: it gets the flags for that, and `work` gets the clients. */
export function remoteCommand<F extends RemoteFlags, A extends unknown[]>(
  command: Command,
  context: CommandContext,
  work: (clients: Clients, flags: F, ...args: A) => Promise<number>,
): Command {
  return withMetadataFlags(withRemoteFlags(command)).action(
    context.action(async (...args: unknown[]) => {
      const flags = command.opts<F>();
      using clients = openClients(flags, context.shell);
      return await work(clients, flags, ...(args.slice(0, command.registeredArguments.length) as A));
    }),
  );
}
