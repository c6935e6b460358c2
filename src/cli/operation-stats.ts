import { toJson } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import {
  ExecutionStage_Value,
  ExecutionStage_ValueSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { type GetOperationStatsResponse, GetOperationStatsResponseSchema } from "../../gen/opgrid/v1/opgrid_pb.ts";
import { type Clients, fullName, type RemoteFlags } from "./client.ts";
import { type CommandContext, remoteCommand, withExamples } from "./command.ts";
import { ExitCode } from "./exit-codes.ts";
import type { Shell } from "./shell.ts";
import { lines } from "./summary-text.ts";
import { durationText } from "./text.ts";

interface StatsFlags extends RemoteFlags {
  readonly json?: true;
}

/** Who else wants the job and has not given up. */
function othersText({ stage, liveOperationCount }: GetOperationStatsResponse): string {
  const others = liveOperationCount - (stage === ExecutionStage_Value.COMPLETED ? 0 : 1);
  return others > 0 ? `${others} other operation${others === 1 ? "" : "s"}` : "";
}

async function stats(clients: Clients, flags: StatsFlags, given: string, shell: Shell): Promise<number> {
  const name = fullName(clients, given);
  const answer = await clients.farm.getOperationStats({ name }, { signal: shell.signal });
  if (flags.json) {
    shell.out(`${JSON.stringify(toJson(GetOperationStatsResponseSchema, answer), undefined, 2)}\n`);
    return ExitCode.OK;
  }
  const { stage, queuePositionText, waitText, attemptCount, queueDuration, botId } = answer;
  shell.out(
    lines([
      ["name", name],
      ["stage", ExecutionStage_ValueSchema.value[stage]?.name ?? String(stage)],
      ["ahead", queuePositionText],
      ["waits, as", waitText],
      ["waited", queueDuration ? durationText(durationMs(queueDuration)) : ""],
      ["attempts", String(attemptCount)],
      ["worker", botId],
      ["also wanted by", othersText(answer)],
    ]),
  );
  return ExitCode.OK;
}

/** `opgrid operation stats`. */
export function addStats(parent: Command, context: CommandContext): void {
  const command = parent
    .command("stats")
    .argument("<name>", "`<instance>/<id>`, or an id in the instance of --instance-name")
    .summary("tell how far an operation is, and why it waits")
    .description(
      "Tells how far an operation is: its place in the queue, its attempts, why it is still queued, and how many others " +
        "want the same job.",
    )
    .option("--json", "as JSON: an opgrid.v1.GetOperationStatsResponse");
  remoteCommand<StatsFlags, [string]>(command, context, (clients, flags, name) =>
    stats(clients, flags, name, context.shell),
  );
  withExamples(command, "opgrid operation stats main/0198c0de-0000-7000-8000-000000000000");
}
