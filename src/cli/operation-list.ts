import type { Command } from "commander";
import type { ListOperationsResponse, Operation } from "../../gen/google/longrunning/operations_pb.ts";
import { shellQuote } from "../base/shell-quote.ts";
import type { Clients, RemoteFlags } from "./client.ts";
import { type CommandContext, remoteCommand, withExamples } from "./command.ts";
import { ExitCode } from "./exit-codes.ts";
import { UsageError } from "./failure.ts";
import { type FilterFlags, filterOf, withFilterFlags } from "./filter-flags.ts";
import { operationJson } from "./operation-json.ts";
import { cells, fields, HEAD } from "./operation-row.ts";
import type { Shell } from "./shell.ts";
import { summarize } from "./summary.ts";
import { table } from "./text.ts";

interface ListFlags extends RemoteFlags, FilterFlags {
  readonly pageSize?: string;
  readonly pageToken?: string;
  readonly allPages?: true;
  readonly json?: true;
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

function printPage(operations: readonly Operation[], shell: Shell): void {
  const summaries = operations.map(summarize);
  if (!shell.terminal) shell.out(summaries.map((summary) => `${fields(summary)}\n`).join(""));
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

/** `opgrid operation list`. */
export function addList(parent: Command, context: CommandContext): void {
  const { shell } = context;
  const command = parent
    .command("list")
    .summary("list operations, one page or all")
    .description("Lists operations, those that are not completed unless a filter says otherwise.");
  withFilterFlags(command)
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
