import { toJson } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { GetQueueResponseSchema, type PlatformQueue } from "../../gen/opgrid/v1/opgrid_pb.ts";
import type { Clients, RemoteFlags } from "./client.ts";
import { type CommandContext, remoteCommand, withExamples } from "./command.ts";
import { ExitCode } from "./exit-codes.ts";
import type { Shell } from "./shell.ts";
import { durationText, printable, table } from "./text.ts";
import { propertiesText } from "./workers.ts";

interface QueueFlags extends RemoteFlags {
  readonly includeIdle?: true;
  readonly json?: true;
}

const HEAD = ["PLATFORM", "QUEUED", "EXECUTING", "IDLE", "BUSY", "UNAVAILABLE", "OLDEST"];

function row(platform: PlatformQueue, ofAll: boolean): string[] {
  const { queuedCount, executingCount, idleWorkerCount, busyWorkerCount, unavailableWorkerCount } = platform;
  const counts = [queuedCount, executingCount, idleWorkerCount, busyWorkerCount, unavailableWorkerCount].map(String);
  const oldest = platform.oldestWait ? durationText(durationMs(platform.oldestWait)) : "";
  const cells = [printable(propertiesText(platform.properties)) || "any", ...counts, oldest];
  return ofAll ? [printable(platform.instanceName), ...cells] : cells;
}

async function queue(clients: Clients, flags: QueueFlags, shell: Shell): Promise<number> {
  const { instanceName } = clients;
  const answer = await clients.farm.getQueue(
    { instanceName, includeIdle: flags.includeIdle ?? false },
    { signal: shell.signal },
  );
  const ofAll = instanceName === "-";
  const rows = answer.platforms.map((platform) => row(platform, ofAll));
  if (flags.json) shell.out(`${JSON.stringify(toJson(GetQueueResponseSchema, answer), undefined, 2)}\n`);
  else if (rows.length === 0) shell.err("nothing waits and nothing runs\n");
  else if (shell.terminal) shell.out(table(ofAll ? ["INSTANCE", ...HEAD] : HEAD, rows, shell.columns));
  else shell.out(rows.map((cells) => `${cells.join("\t")}\n`).join(""));
  return ExitCode.OK;
}

/** `opgrid queue`. */
export function addQueue(parent: Command, context: CommandContext): void {
  const command = parent
    .command("queue")
    .summary("show what waits and runs")
    .description(
      "Shows what waits and runs of each platform, and the workers that fit: idle, busy or unavailable. The instance - " +
        "stands for all.",
    )
    .option("--include-idle", "also platforms without any work")
    .option("--json", "as JSON: an opgrid.v1.GetQueueResponse");
  remoteCommand<QueueFlags, []>(command, context, (clients, flags) => queue(clients, flags, context.shell));
  withExamples(command, "opgrid queue --instance-name main", "opgrid queue --instance-name -");
}
