import type { Command } from "commander";
import type { RemoteFlags } from "./client.ts";
import { type CommandContext, remoteCommand, withExamples } from "./command.ts";
import { eachName } from "./each-name.ts";

/** `opgrid operation cancel`. */
export function addCancel(parent: Command, context: CommandContext): void {
  const command = parent
    .command("cancel")
    .argument("<names...>", "`<instance>/<id>`, or ids in the instance of --instance-name")
    .summary("cancel operations")
    .description(
      "Cancels operations. The work itself stops when nobody else waits for the same; one that is done stays so.",
    );
  remoteCommand<RemoteFlags, [string[]]>(command, context, (clients, _, names) =>
    eachName(clients, names, { done: "cancelled", call: clients.operations.cancelOperation }, context.shell),
  );
  withExamples(command, "opgrid operation cancel main/0198c0de-0000-7000-8000-000000000000");
}
