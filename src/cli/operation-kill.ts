import type { CallOptions } from "@connectrpc/connect";
import type { Command } from "commander";
import type { KillJobResponse } from "../../gen/opgrid/v1/opgrid_pb.ts";
import type { RemoteFlags } from "./client.ts";
import { type CommandContext, remoteCommand, withExamples } from "./command.ts";
import { eachName } from "./each-name.ts";

interface KillFlags extends RemoteFlags {
  readonly reason?: string;
}

/** `opgrid operation kill`. */
export function addKill(parent: Command, context: CommandContext): void {
  const command = parent
    .command("kill")
    .argument("<names...>", "`<instance>/<id>`, or ids in the instance of --instance-name")
    .summary("cancel jobs for all who want them")
    .description("Cancels the jobs of operations, with all their operations, also those of other clients.")
    .option("--reason <text>", "why, for the history");
  remoteCommand<KillFlags, [string[]]>(command, context, (clients, { reason = "" }, names) => {
    const call = (request: { name: string }, options: CallOptions) =>
      clients.farm.killJob({ ...request, reason }, options);
    const done = ({ killed }: KillJobResponse) => (killed ? "killed" : "had ended:");
    return eachName(clients, names, { done, call }, context.shell);
  });
  withExamples(command, "opgrid operation kill main/0198c0de-0000-7000-8000-000000000000 --reason 'runs wild'");
}
