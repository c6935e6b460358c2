import type { Command } from "commander";
import type { ListOperationsResponse, Operation } from "../../gen/google/longrunning/operations_pb.ts";
import type { Clients, RemoteFlags } from "./client.ts";
import { type CommandContext, remoteCommand, withExamples } from "./command.ts";
import { ExitCode } from "./exit-codes.ts";
import { UsageError } from "./failure.ts";
import { operationJson } from "./operation-json.ts";
import type { Shell } from "./shell.ts";
import { ranMs, type Summary, summarize, waitedMs } from "./summary.ts";
import { durationText, printable, shellQuote, table } from "./text.ts";

interface ListFlags extends RemoteFlags {
  readonly filter?: string;
  readonly sort?: readonly string[];
  readonly pageSize?: string;
  readonly pageToken?: string;
  readonly allPages?: true;
  readonly json?: true;
}

/** The order is a part of the filter language. */
function filterOf({ filter, sort = [] }: ListFlags): string {
  return [...(filter ? [filter] : []), ...sort.map((key) => `sort_order=${key}`)].join(" & ");
}

function pageSizeOf({ pageSize = "0" }: ListFlags): number {
  if (!/^\d{1,9}$/.test(pageSize)) throw new UsageError(`--page-size: must be a whole number, not ${pageSize}`);
  return Number(pageSize);
}

async function* pages(clients: Clients, flags: ListFlags, signal: AbortSignal): AsyncGenerator<ListOperationsResponse> {
  let pageToken = flags.pageToken ?? "";
  const request = { name: clients.instanceName, filter: filterOf(flags), pageSize: pageSizeOf(flags) };
  do {
    const page = await clients.operations.listOperations({ ...request, pageToken }, { signal });
    yield page;
    pageToken = page.nextPageToken;
  } while (flags.allPages && pageToken !== "");
}

const HEAD = ["NAME", "STAGE", "RESULT", "WAITED", "RAN", "WORKER", "ACTION"];

function cells(summary: Summary, nowMs: number): string[] {
  const { name, stage, result, worker, action } = summary;
  const text = (ms: number | undefined) => (ms === undefined ? "" : durationText(ms));
  const times = [text(waitedMs(summary, nowMs)), text(ranMs(summary, nowMs))];
  return [name, stage, result, ...times, worker, action.slice(0, 12)].map(printable);
}

function line({ name, stage, result, queuedAt, startedAt, completedAt, worker, action }: Summary): string {
  const time = (ms: number | undefined) => (ms === undefined ? "" : new Date(ms).toISOString());
  const fields = [name, stage, result, time(queuedAt), time(startedAt), time(completedAt), worker, action];
  return `${fields.map(printable).join("\t")}\n`;
}

function printPage(operations: readonly Operation[], shell: Shell): void {
  const summaries = operations.map(summarize);
  if (!shell.terminal) shell.out(summaries.map(line).join(""));
  else if (summaries.length > 0) {
    const rows = summaries.map((summary) => cells(summary, shell.clock.now()));
    shell.out(table(HEAD, rows, shell.columns));
  }
}

function nextPageCommand(flags: ListFlags, pageToken: string, shell: Shell): string {
  const given: [string, string | undefined][] = [
    ["--remote", flags.remote],
    ["--instance-name", flags.instanceName],
    ["--auth-token", flags.authToken],
    ["--tls-ca", flags.tlsCa],
    ["--tls-cert", flags.tlsCert],
    ["--tls-key", flags.tlsKey],
    ["--filter", flags.filter],
    ...(flags.sort ?? []).map((key): [string, string] => ["--sort", key]),
    ["--page-size", flags.pageSize],
    ["--page-token", pageToken],
  ];
  const words = given.flatMap(([flag, value]) => (value === undefined ? [] : [flag, shellQuote(value)]));
  return `${shell.self} operation list ${words.join(" ")}`;
}

async function printPages(clients: Clients, flags: ListFlags, shell: Shell): Promise<number> {
  let count = 0;
  let next = "";
  for await (const page of pages(clients, flags, shell.signal)) {
    printPage(page.operations, shell);
    count += page.operations.length;
    next = page.nextPageToken;
  }
  if (count === 0) shell.err("no operation matches\n");
  if (next !== "") shell.err(`next page: ${nextPageCommand(flags, next, shell)}\n`);
  return ExitCode.OK;
}

/** One ListOperationsResponse, written page by page so that a long list needs no memory. */
async function printJson(clients: Clients, flags: ListFlags, shell: Shell): Promise<number> {
  let next = "";
  let separator = '{"operations":[\n';
  for await (const page of pages(clients, flags, shell.signal)) {
    for (const operation of page.operations) {
      shell.out(separator + JSON.stringify(operationJson(operation)));
      separator = ",\n";
    }
    next = page.nextPageToken;
  }
  const head = separator.startsWith("{") ? separator : "\n";
  shell.out(`${head}]${next && `,"nextPageToken":${JSON.stringify(next)}`}}\n`);
  return ExitCode.OK;
}

const append = (value: string, before: readonly string[] = []): string[] => [...before, value];

/** `opgrid operation list`. */
export function addList(parent: Command, context: CommandContext): void {
  const { shell } = context;
  const command = parent
    .command("list")
    .summary("list operations, one page or all")
    .description("Lists operations, those that are not completed unless a filter says otherwise.")
    .option("--filter-string, --filter <text>", "which ones, as in 'stage = EXECUTING'; see docs/filter.md")
    .option(
      "--sort <key>",
      "in which order, as in queued_time(desc); may be repeated; lists all stages without --filter",
      append,
    )
    .option("--page-size <n>", "how many at most on one page")
    .option("--page-token <token>", "the page to show, from the page before")
    .option("--all, --all-pages", "all pages, not only one")
    .option("--json", "as JSON: a google.longrunning.ListOperationsResponse");
  remoteCommand<ListFlags, []>(command, context, (clients, flags) =>
    flags.json ? printJson(clients, flags, shell) : printPages(clients, flags, shell),
  );
  withExamples(
    command,
    "opgrid operation list --instance-name main",
    "opgrid operation list --instance-name main --filter 'stage >= QUEUED' --sort 'queued_time(desc)'",
  );
}
