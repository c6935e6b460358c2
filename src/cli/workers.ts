import { type JsonValue, toJson } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { BotStatusSchema } from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import { type PlatformProperty, type Worker, WorkerSchema } from "../../gen/opgrid/v1/opgrid_pb.ts";
import type { Clients, RemoteFlags } from "./client.ts";
import { type CommandContext, remoteCommand, withExamples } from "./command.ts";
import { ExitCode } from "./exit-codes.ts";
import type { Shell } from "./shell.ts";
import { printable, table } from "./text.ts";

interface WorkersFlags extends RemoteFlags {
  readonly json?: true;
}

/** `name=value` of all, with commas between. */
export function propertiesText(properties: readonly PlatformProperty[]): string {
  return properties.map(({ name, value }) => `${name}=${value}`).join(",");
}

async function* workersOf(clients: Clients, signal: AbortSignal): AsyncGenerator<Worker> {
  let pageToken = "";
  do {
    const page = await clients.farm.listWorkers({ instanceName: clients.instanceName, pageToken }, { signal });
    yield* page.workers;
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
}

const HEAD = ["BOT", "STATUS", "JOBS", "HEARD OF", "PROPERTIES", "SESSION"];

function row(worker: Worker): string[] {
  const { botId, status, leases, otherLeaseCount, capacity, updateTime, properties, sessionName } = worker;
  const heardOf = updateTime ? new Date(timestampMs(updateTime)).toISOString() : "";
  const jobs = `${leases.length + otherLeaseCount}/${capacity}`;
  const statusName = BotStatusSchema.value[status]?.name ?? String(status);
  return [botId, statusName, jobs, heardOf, propertiesText(properties), sessionName].map(printable);
}

async function list(clients: Clients, flags: WorkersFlags, shell: Shell): Promise<number> {
  const workers = await Array.fromAsync(workersOf(clients, shell.signal));
  if (flags.json) {
    const json: JsonValue = { workers: workers.map((worker) => toJson(WorkerSchema, worker)) };
    shell.out(`${JSON.stringify(json, undefined, 2)}\n`);
  } else if (workers.length === 0)
    shell.err(`no worker serves ${clients.instanceName === "-" ? "any" : "this"} instance\n`);
  else if (shell.terminal) shell.out(table(HEAD, workers.map(row), shell.columns));
  else shell.out(workers.map((worker) => `${row(worker).join("\t")}\n`).join(""));
  return ExitCode.OK;
}

/** `opgrid workers`. */
export function addWorkers(parent: Command, context: CommandContext): void {
  const workers = parent.command("workers").description("Shows the workers of a server.");
  const command = workers
    .command("list")
    .summary("list the workers that serve an instance")
    .description(
      "Lists the workers that serve an instance, with what they offer and how busy they are. The instance - stands for all.",
    )
    .option("--json", "as JSON: an opgrid.v1.ListWorkersResponse with all workers");
  remoteCommand<WorkersFlags, []>(command, context, (clients, flags) => list(clients, flags, context.shell));
  for (const each of [workers, command]) {
    withExamples(each, "opgrid workers list --instance-name main", "opgrid workers list --instance-name -");
  }
}
