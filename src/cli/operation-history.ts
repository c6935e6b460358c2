import { type JsonObject, toJson } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { GetOperationHistoryResponseSchema, type JobEvent, JobEventTypeSchema } from "../../gen/opgrid/v1/opgrid_pb.ts";
import { type Clients, fullName, type RemoteFlags } from "./client.ts";
import { type CommandContext, remoteCommand, withExamples } from "./command.ts";
import { ExitCode } from "./exit-codes.ts";
import type { Shell } from "./shell.ts";
import { printable, table } from "./text.ts";

interface HistoryFlags extends RemoteFlags {
  readonly json?: true;
}

function typeName({ type }: JobEvent): string {
  const name = JobEventTypeSchema.value[type]?.name ?? String(type);
  return name.replace("JOB_EVENT_TYPE_", "");
}

/** `key=value` of all that is known. */
function factsText(payload: JsonObject): string {
  const known = Object.entries(payload).filter(([, value]) => value !== null);
  return known.map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`).join(", ");
}

function row(event: JobEvent): string[] {
  const time = event.eventTime ? new Date(timestampMs(event.eventTime)).toISOString() : "";
  return [time, typeName(event), factsText(event.payload ?? {})].map(printable);
}

async function history(clients: Clients, flags: HistoryFlags, name: string, shell: Shell): Promise<number> {
  const answer = await clients.farm.getOperationHistory({ name: fullName(clients, name) }, { signal: shell.signal });
  const rows = answer.events.map(row);
  if (flags.json) shell.out(`${JSON.stringify(toJson(GetOperationHistoryResponseSchema, answer), undefined, 2)}\n`);
  else if (shell.terminal) shell.out(table(["TIME", "EVENT", "WHAT"], rows, Number.POSITIVE_INFINITY));
  else shell.out(rows.map((cells) => `${cells.join("\t")}\n`).join(""));
  return ExitCode.OK;
}

/** `opgrid operation history`. */
export function addHistory(parent: Command, context: CommandContext): void {
  const command = parent
    .command("history")
    .argument("<name>", "`<instance>/<id>`, or an id in the instance of --instance-name")
    .summary("tell what happened to an operation's job")
    .description("Tells what happened to an operation's job: who wanted it, which worker had it, who ended it and why.")
    .option("--json", "as JSON: an opgrid.v1.GetOperationHistoryResponse");
  remoteCommand<HistoryFlags, [string]>(command, context, (clients, flags, name) =>
    history(clients, flags, name, context.shell),
  );
  withExamples(command, "opgrid operation history main/0198c0de-0000-7000-8000-000000000000");
}
