import type { Command } from "commander";
import type { RemoteFlags } from "./client.ts";
import { type CommandContext, remoteCommand, withExamples } from "./command.ts";
import { eachName } from "./each-name.ts";

/** `opgrid operation delete`. */
export function addDelete(parent: Command, context: CommandContext): void {
  const command = parent
    .command("delete")
    .argument("<names...>", "`<instance>/<id>`, or ids in the instance of --instance-name")
    .summary("forget operations")
    .description("Makes the server forget operations. This cancels nothing: work that runs goes on.");
  remoteCommand<RemoteFlags, [string[]]>(command, context, (clients, _, names) =>
    eachName(clients, names, { done: () => "deleted", call: clients.operations.deleteOperation }, context.shell),
  );
  withExamples(command, "opgrid operation delete main/0198c0de-0000-7000-8000-000000000000");
}
