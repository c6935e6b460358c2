import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import type { Operation } from "../../gen/google/longrunning/operations_pb.ts";
import { parseDuration } from "../config/config.ts";
import { type Clients, fullName, type RemoteFlags } from "./client.ts";
import { type CommandContext, remoteCommand, withExamples } from "./command.ts";
import { ExitCode } from "./exit-codes.ts";
import { UsageError } from "./failure.ts";
import { operationJson } from "./operation-json.ts";
import { createPatience } from "./patience.ts";
import type { Shell } from "./shell.ts";
import { summarize } from "./summary.ts";
import { describe, lines } from "./summary-text.ts";

interface WaitFlags extends RemoteFlags {
  readonly timeout?: string;
  readonly json?: true;
}

/** What one call asks the server to wait at most: proxies cut calls that are silent for a minute. */
const ONE_CALL_MS = 30_000;
/** What an answer may take beyond that. */
const SLACK_MS = 15_000;

function timeoutOf({ timeout }: WaitFlags): number {
  if (timeout === undefined) return Number.POSITIVE_INFINITY;
  const ms = parseDuration(timeout);
  if (ms === undefined) throw new UsageError(`--timeout: must be a duration like 500ms, 30s, 5m or 2h, not ${timeout}`);
  return ms;
}

/** The operation when it is done, or as it is when the time is over. */
async function awaitDone(clients: Clients, name: string, timeoutMs: number, shell: Shell): Promise<Operation> {
  const patience = createPatience(shell);
  const deadline = shell.clock.now() + timeoutMs;
  for (;;) {
    const startedAt = shell.clock.now();
    const waitMs = Math.max(0, Math.min(ONE_CALL_MS, deadline - startedAt));
    try {
      const operation = await clients.operations.waitOperation(
        { name, timeout: durationFromMs(waitMs) },
        { signal: shell.signal, timeoutMs: waitMs + SLACK_MS },
      );
      patience.heard();
      if (operation.done || shell.clock.now() >= deadline) return operation;
      if (shell.clock.now() - startedAt < waitMs) await patience.breathe();
    } catch (error) {
      await patience.endure(error);
    }
  }
}

async function wait(clients: Clients, flags: WaitFlags, name: string, shell: Shell): Promise<number> {
  const operation = await awaitDone(clients, fullName(clients, name), timeoutOf(flags), shell);
  const summary = summarize(operation);
  if (flags.json) shell.out(`${JSON.stringify(operationJson(operation), undefined, 2)}\n`);
  else shell.out(lines(describe(summary, shell.clock.now())));
  return summary.exitCode ?? ExitCode.STILL_RUNNING;
}

/** `opgrid operation wait`. */
export function addWait(parent: Command, context: CommandContext): void {
  const command = parent
    .command("wait")
    .argument("<name>", "`<instance>/<id>`, or an id in the instance of --instance-name")
    .summary("wait until an operation is done")
    .description(
      "Waits until an operation is done and shows how it ended. A restart of the server is waited for. The exit code is 0 " +
        "when its command succeeded, 3 when it failed, 4 when there is no result, 5 when it was cancelled, 6 when the " +
        "time was over before.",
    )
    .option("--timeout <duration>", "how long, as in 30s or 2h (default: as long as it takes)")
    .option("--json", "as JSON: a google.longrunning.Operation");
  remoteCommand<WaitFlags, [string]>(command, context, (clients, flags, name) =>
    wait(clients, flags, name, context.shell),
  );
  withExamples(command, "opgrid operation wait --timeout 10m main/0198c0de-0000-7000-8000-000000000000");
}
