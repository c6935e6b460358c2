import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  ListOperationsRequestSchema,
  type ListOperationsResponse,
  ListOperationsResponseSchema,
  Operations,
} from "../../gen/google/longrunning/operations_pb.ts";
import { frame } from "../frames.ts";
import type { GrpcClient } from "../grpc-client.ts";
import { type Effort, type Figures, measure, type Scenario } from "../measure.ts";
import { pathOf, readOne } from "../methods.ts";
import { seedTable } from "../seed-table.ts";
import type { BenchServer } from "../servers.ts";
import { quantile } from "../statistics.ts";
import { render, short } from "../table.ts";
import { bazelShare, endedInvocations, LIVE } from "../table-rows.ts";
import { endless } from "./group.ts";
import type { Study, StudyBench } from "./study.ts";

const INSTANCE = "table";
const SMALL = 10_000;
const PAGE_SIZE = 100;
/** Pages that are really read before the deep one. */
const DEEP = 500;
/** Invocations that are asked for in turn, so that no table answers all from one corner. */
const INVOCATIONS = 90;
const FILTER = "stage=completed & tool_name=bazel & sort_order=queued_time(desc)";
const path = pathOf(Operations.method.listOperations);

const sizes = ["small", "large"] as const;
type Size = (typeof sizes)[number];

interface Table {
  readonly count: number;
  readonly server: BenchServer;
}

/** A query, ready to be sent to a table: its requests take turns. */
interface Query {
  readonly title: string;
  readonly requests: Readonly<Record<Size, readonly Buffer[]>>;
}

/** ListOperations of few and of many operations: what a page costs, and whether the size of the table shows in it. */
export const tableSize: Study = async (bench) => {
  const { largeTable, rounds, seconds } = bench.options;
  const tables = {
    small: await startTable(bench, "small", SMALL),
    large: await startTable(bench, "large", largeTable),
  };
  // More and shorter turns than elsewhere: what counts is the ratio of two servers that must be disturbed alike.
  const effort = { rounds: rounds * 2, seconds: seconds / 4 };
  const rows: string[][] = [];
  for (const query of await queriesOf(tables)) {
    bench.say(`ListOperations by table size: ${query.title}`);
    rows.push(...(await measureQuery(query, tables, effort)));
  }
  const columns = sizes.map((size) => `${tables[size].count.toLocaleString("en-US")} operations`);
  return render([["ListOperations, a page of 100", "unit", ...columns, "times as long"], ...rows]);
};

async function startTable(bench: StudyBench, size: Size, count: number): Promise<Table> {
  bench.say(`making ${count.toLocaleString("en-US")} operations`);
  const dataDir = join(bench.directory, size);
  await seedTable(dataDir, INSTANCE, count);
  return { count, server: await bench.startOpgrid(`opgrid-${size}`, { dataDir, instances: [INSTANCE] }) };
}

async function queriesOf(tables: Readonly<Record<Size, Table>>): Promise<Query[]> {
  const forBoth = async (requestsFor: (table: Table) => Buffer[] | Promise<Buffer[]>) => ({
    small: await requestsFor(tables.small),
    large: await requestsFor(tables.large),
  });
  const queries = [
    { title: "the default filter", requests: await forBoth(() => [requestFor({})]) },
    { title: FILTER, requests: await forBoth(() => [requestFor({ filter: FILTER })]) },
    { title: `the same, ${DEEP} pages on`, requests: await forBoth(async (table) => [await deepRequest(table)]) },
    { title: "invocation_id=...", requests: await forBoth(({ count }) => invocationRequests(count)) },
  ];
  for (const { requests } of queries) {
    for (const size of sizes) await checkPages(tables[size], requests[size]);
  }
  return queries;
}

async function measureQuery(
  { title, requests }: Query,
  tables: Readonly<Record<Size, Table>>,
  effort: Effort,
): Promise<string[][]> {
  const servers = { small: tables.small.server, large: tables.large.server };
  const operations = { small: caller(servers.small, requests.small), large: caller(servers.large, requests.large) };
  const run = (inFlight: number, figure: Scenario["figure"]) =>
    measure<Size>({ title, inFlight, figure, operations }, servers, effort);
  const alone = await run(1, "latency");
  const together = await run(64, "operations/s");
  const cells = (of: Readonly<Record<Size, Figures>>, value: (figures: Figures) => number, cost: boolean) => {
    const [small, large] = [value(of.small), value(of.large)];
    return [short(small), short(large), (cost ? large / small : small / large).toFixed(2)];
  };
  return [
    [title, "µs, 1 in flight", ...cells(alone.figures, (each) => quantile(each.latenciesMs, 0.5) * 1000, true)],
    ["", "µs of processor time", ...cells(together.figures, ({ cpuMicros }) => cpuMicros, true)],
    ["", "pages/s, 64 in flight", ...cells(together.figures, ({ rate }) => rate, false)],
  ];
}

function caller({ client }: BenchServer, requests: readonly Buffer[]): () => Promise<number> {
  const next = endless(requests);
  return () => client.call(path, next());
}

interface Page {
  readonly filter?: string;
  readonly pageSize?: number;
  readonly pageToken?: string;
}

function requestFor({ filter = "", pageSize = PAGE_SIZE, pageToken = "" }: Page): Buffer {
  const request = create(ListOperationsRequestSchema, { name: INSTANCE, filter, pageSize, pageToken });
  return frame(toBinary(ListOperationsRequestSchema, request));
}

/** Reads page by page; of pages that are small enough for so many of them. The last one has the size of all others. */
async function deepRequest({ count, server }: Table): Promise<Buffer> {
  const pageSize = Math.min(PAGE_SIZE, Math.floor(((count - LIVE) * bazelShare) / DEEP));
  let pageToken = "";
  for (let page = 0; page < DEEP; page++) {
    const answer = await read(server.client, requestFor({ filter: FILTER, pageSize, pageToken }));
    pageToken = answer.nextPageToken;
    if (pageToken === "") throw new Error(`${page + 1} pages are all, ${DEEP} were to be read`);
  }
  return requestFor({ filter: FILTER, pageToken });
}

/** From all over the table. */
function invocationRequests(count: number): Buffer[] {
  const all = endedInvocations(count);
  const step = Math.floor(all.length / INVOCATIONS);
  return Array.from({ length: INVOCATIONS }, (_, index) =>
    requestFor({ filter: `invocation_id=${all[index * step]}` }),
  );
}

async function checkPages({ server }: Table, requests: readonly Buffer[]): Promise<void> {
  for (const request of requests) {
    const { operations } = await read(server.client, request);
    if (operations.length !== PAGE_SIZE) throw new Error(`${operations.length} operations came for ${PAGE_SIZE}`);
  }
}

async function read(client: GrpcClient, request: Buffer): Promise<ListOperationsResponse> {
  return readOne(ListOperationsResponseSchema, await client.messages(path, request));
}
