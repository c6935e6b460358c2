import type { Command } from "commander";
import type { Clients, RemoteFlags } from "./client.ts";
import { type CommandContext, remoteCommand, withExamples } from "./command.ts";
import { eachName } from "./each-name.ts";
import { ExitCode } from "./exit-codes.ts";
import { UsageError } from "./failure.ts";
import type { Shell } from "./shell.ts";

interface CancelFlags extends RemoteFlags {
  readonly filter?: string;
  readonly dryRun?: true;
  readonly reason?: string;
}

async function cancelMatching(clients: Clients, flags: CancelFlags, filter: string, shell: Shell): Promise<number> {
  const { instanceName } = clients;
  const { dryRun = false, reason = "" } = flags;
  const { matchedCount, cancelledCount } = await clients.farm.cancelOperations(
    { instanceName, filter, dryRun, reason },
    { signal: shell.signal },
  );
  shell.out(dryRun ? `would cancel ${matchedCount}\n` : `cancelled ${cancelledCount} of ${matchedCount}\n`);
  return ExitCode.OK;
}

async function cancel(clients: Clients, flags: CancelFlags, names: string[], shell: Shell): Promise<number> {
  if (flags.filter !== undefined) {
    if (names.length > 0) throw new UsageError("either names or --filter, not both");
    return cancelMatching(clients, flags, flags.filter, shell);
  }
  if (names.length === 0) throw new UsageError("name operations, or say which ones by --filter");
  if (flags.dryRun || flags.reason !== undefined) throw new UsageError("--dry-run and --reason go with --filter");
  return eachName(clients, names, { done: () => "cancelled", call: clients.operations.cancelOperation }, shell);
}

/** `opgrid operation cancel`. */
export function addCancel(parent: Command, context: CommandContext): void {
  const command = parent
    .command("cancel")
    .argument("[names...]", "`<instance>/<id>`, or ids in the instance of --instance-name")
    .summary("cancel operations")
    .description(
      "Cancels operations. The work itself stops when nobody else waits for the same; one that is done stays so.",
    )
    .option("--filter-string, --filter <text>", "all of the instance that match, instead of names; see docs/filter.md")
    .option("--dry-run", "with --filter: count only")
    .option("--reason <text>", "with --filter: why, for the history");
  remoteCommand<CancelFlags, [string[]]>(command, context, (clients, flags, names) =>
    cancel(clients, flags, names, context.shell),
  );
  withExamples(
    command,
    "opgrid operation cancel main/0198c0de-0000-7000-8000-000000000000",
    "opgrid operation cancel --instance-name main --filter 'queued_time < now-1h' --dry-run",
  );
}
