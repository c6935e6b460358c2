import { toJson } from "@bufbuild/protobuf";
import { type Duration, durationFromMs, durationMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { type Figures, GetFiguresResponseSchema } from "../../gen/opgrid/v1/opgrid_pb.ts";
import { parseDuration } from "../config/config.ts";
import type { Clients, RemoteFlags } from "./client.ts";
import { type CommandContext, remoteCommand, withExamples } from "./command.ts";
import { ExitCode } from "./exit-codes.ts";
import { UsageError } from "./failure.ts";
import type { Shell } from "./shell.ts";
import { durationText, table } from "./text.ts";

interface FiguresFlags extends RemoteFlags {
  readonly window: string;
  readonly json?: true;
}

/** What matters most comes first: a narrow terminal leaves out the last ones. */
const HEAD = [
  ...["SINCE (UTC)", "SUBMITTED", "SUCCEEDED", "FAILED", "WAIT P50", "WAIT P95", "RUN P50", "RUN P95"],
  ...["CACHED", "MERGED", "CANCELLED", "RETRIED", "QUEUED", "EXECUTING"],
];

function windowOf(text: string): Duration {
  const ms = parseDuration(text);
  if (!ms || ms > 86_400_000) {
    throw new UsageError(`--window: must be a duration like 15m, at most 24h, not ${JSON.stringify(text)}`);
  }
  return durationFromMs(ms);
}

function row(figures: Figures, since: string): string[] {
  const { submittedCount, succeededCount, failedCount, queueDuration, executionDuration } = figures;
  const durations = [queueDuration?.p50, queueDuration?.p95, executionDuration?.p50, executionDuration?.p95];
  const { cachedCount, mergedCount, cancelledCount, retriedCount, queuedCount, executingCount } = figures;
  return [
    ...[since, ...[submittedCount, succeededCount, failedCount].map(String)],
    ...durations.map((duration) => (duration ? durationText(durationMs(duration)) : "")),
    ...[cachedCount, mergedCount, cancelledCount, retriedCount].map(String),
    ...[queuedCount, executingCount].map((count) => count?.toString() ?? ""),
  ];
}

/** The minute for people, the whole time for programs. */
function sinceText({ startTime }: Figures, terminal: boolean): string {
  const text = startTime ? new Date(timestampMs(startTime)).toISOString() : "";
  return terminal ? text.slice(5, 16).replace("T", " ") : text;
}

async function figures(clients: Clients, flags: FiguresFlags, shell: Shell): Promise<number> {
  const { instanceName } = clients;
  const window = windowOf(flags.window);
  const answer = await clients.farm.getFigures({ instanceName, window }, { signal: shell.signal });
  const rows = [
    ...answer.steps.map((step) => row(step, sinceText(step, shell.terminal))),
    ...(answer.total ? [row(answer.total, "total")] : []),
  ];
  if (flags.json) shell.out(`${JSON.stringify(toJson(GetFiguresResponseSchema, answer), undefined, 2)}\n`);
  else if (shell.terminal) shell.out(table(HEAD, rows, shell.columns));
  else shell.out(rows.map((cells) => `${cells.join("\t")}\n`).join(""));
  return ExitCode.OK;
}

/** `opgrid figures`. */
export function addFigures(parent: Command, context: CommandContext): void {
  const command = parent
    .command("figures")
    .summary("show how much was done lately, how fast and how well")
    .description(
      "Shows how much was done lately, how fast and how well, step by step and together: operations submitted, jobs by " +
        "their end, what waited and ran when a step ended, and how long half of the jobs, and all but one of twenty, " +
        "waited and ran at most.",
    )
    .option("--window <duration>", "how far to look back, at most 24h", "1h")
    .option("--json", "as JSON: an opgrid.v1.GetFiguresResponse");
  remoteCommand<FiguresFlags, []>(command, context, (clients, flags) => figures(clients, flags, context.shell));
  withExamples(command, "opgrid figures --instance-name main --window 15m");
}
