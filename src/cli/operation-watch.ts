import type { Command } from "commander";
import type { Operation } from "../../gen/google/longrunning/operations_pb.ts";
import { type Clients, fullName, type RemoteFlags } from "./client.ts";
import { type CommandContext, remoteCommand, withExamples } from "./command.ts";
import type { ExitCode } from "./exit-codes.ts";
import { UsageError } from "./failure.ts";
import { withFilterFlags } from "./filter-flags.ts";
import { operationJson } from "./operation-json.ts";
import { type WatchAllFlags, watchAll } from "./operation-watch-all.ts";
import { createPatience } from "./patience.ts";
import type { Shell } from "./shell.ts";
import { type Summary, summarize } from "./summary.ts";
import { printable } from "./text.ts";

interface WatchFlags extends RemoteFlags, WatchAllFlags {}

/** What is told of a state; two states that read the same are one. */
function news(flags: WatchFlags, operation: Operation, { stage, result, message, worker }: Summary): string {
  if (flags.json) return JSON.stringify(operationJson(operation));
  return [stage, result, worker, message].map(printable).join("\t").trimEnd();
}

function timed(flags: WatchFlags, text: string, shell: Shell): string {
  if (flags.json) return `${text}\n`;
  const now = new Date(shell.clock.now());
  if (!shell.terminal) return `${now.toISOString()}\t${text}\n`;
  const [stage = "", ...rest] = text.split("\t").filter((cell) => cell !== "");
  return `${now.toTimeString().slice(0, 8)}  ${stage.padEnd(11)}  ${rest.join("  ")}`.trimEnd().concat("\n");
}

/** Prints each change, the keep-alives in between left out, and answers the exit code once it is done. */
async function watch(clients: Clients, flags: WatchFlags, given: string, shell: Shell): Promise<ExitCode> {
  const name = fullName(clients, given);
  const patience = createPatience(shell);
  let last = "";
  for (;;) {
    try {
      for await (const operation of clients.execution.waitExecution({ name }, { signal: shell.signal })) {
        patience.heard();
        const summary = summarize(operation);
        const text = news(flags, operation, summary);
        if (text !== last) shell.out(timed(flags, text, shell));
        last = text;
        if (summary.exitCode !== undefined) return summary.exitCode;
      }
      await patience.breathe();
    } catch (error) {
      await patience.endure(error);
    }
  }
}

function start(clients: Clients, flags: WatchFlags, name: string | undefined, shell: Shell): Promise<ExitCode> {
  if (name === undefined) return watchAll(clients, flags, shell);
  const { filter, sort, changesOnly } = flags;
  if (filter !== undefined || sort || changesOnly)
    throw new UsageError("either a name or --filter, --sort and --changes-only, not both");
  return watch(clients, flags, name, shell);
}

/** `opgrid operation watch`. */
export function addWatch(parent: Command, context: CommandContext): void {
  const command = parent
    .command("watch")
    .argument("[name]", "`<instance>/<id>`, or an id in the instance of --instance-name")
    .summary("follow an operation until it is done, or all that match")
    .description(
      "With a name: prints each change of an operation until it is done; exit codes are those of `opgrid operation " +
        "wait`. Without: shows all operations of the instance that match as a table that keeps itself up to date, or, " +
        "where nobody looks, prints a line for each change, until Ctrl-C. A restart of the server is waited for.",
    );
  withFilterFlags(command)
    .option("--changes-only", "leave out what matches already")
    .option("--json", "as JSON on each line: a google.longrunning.Operation, or what left or was deleted");
  remoteCommand<WatchFlags, [string | undefined]>(command, context, async (clients, flags, name) =>
    start(clients, flags, name, context.shell),
  );
  withExamples(
    command,
    "opgrid operation watch main/0198c0de-0000-7000-8000-000000000000",
    "opgrid operation watch --instance-name main --filter 'stage = EXECUTING' --sort start_time",
    "opgrid operation watch --instance-name - --sort 'queued_time(desc)' --json --changes-only | jq .name",
  );
}
