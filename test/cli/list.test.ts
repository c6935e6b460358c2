import assert from "node:assert/strict";
import test from "node:test";
import { create, fromJsonString } from "@bufbuild/protobuf";
import { AnySchema, anyPack, EmptySchema } from "@bufbuild/protobuf/wkt";
import {
  type ListOperationsRequest,
  ListOperationsResponseSchema,
  type Operation,
} from "../../gen/google/longrunning/operations_pb.ts";
import { fakeClock } from "../helpers/fake-clock.ts";
import { startFakeServer } from "./fake-server.ts";
import { runCli } from "./run-cli.ts";
import { exited, operation, QUEUED_AT } from "./samples.ts";

const all: readonly Operation[] = [
  operation({ name: "main/1" }),
  operation({ name: "main/2", stage: "EXECUTING" }),
  operation({ name: "main/3", response: exited(1) }),
];

/** A server that lists the sample operations, `perPage` at a time, and the requests that it got. */
async function listing(t: test.TestContext, perPage = 10, operations = all) {
  const requests: ListOperationsRequest[] = [];
  const { url } = await startFakeServer(t, {
    operations: {
      listOperations: (request) => {
        requests.push(request);
        const from = Number(request.pageToken);
        const rest = operations.length > from + perPage;
        return {
          operations: operations.slice(from, from + perPage),
          nextPageToken: rest ? String(from + perPage) : "",
        };
      },
    },
  });
  const list = (argv: readonly string[], shell = {}) => runCli(["operation", "list", "--remote", url, ...argv], shell);
  return { url, requests, list };
}

test("shows a table on a terminal, with what is known of each operation", async (t) => {
  const { list } = await listing(t);
  const { code, out, err } = await list([], { terminal: true, columns: 100, clock: fakeClock(QUEUED_AT + 4_000) });
  assert.deepEqual({ code, err }, { code: 0, err: "" });
  assert.equal(
    out,
    [
      "NAME    STAGE      RESULT  WAITED  RAN   WORKER  ACTION",
      "main/1  QUEUED             4.0s                  abababababab",
      "main/2  EXECUTING          2.0s    2.0s  bot-1   abababababab",
      "main/3  COMPLETED  exit 1  2.0s    3.5s  bot-1   abababababab",
      "",
    ].join("\n"),
  );
});

test("writes full values between tabs and no header when piped", async (t) => {
  const { list } = await listing(t);
  const { out } = await list([]);
  assert.deepEqual(
    out.split("\n").map((line) => line.split("\t")),
    [
      ["main/1", "QUEUED", "", "2026-01-01T12:00:00.000Z", "", "", "", `${"ab".repeat(32)}/142`],
      [
        "main/2",
        "EXECUTING",
        "",
        "2026-01-01T12:00:00.000Z",
        "2026-01-01T12:00:02.000Z",
        "",
        "bot-1",
        `${"ab".repeat(32)}/142`,
      ],
      [
        ...["main/3", "COMPLETED", "exit 1", "2026-01-01T12:00:00.000Z", "2026-01-01T12:00:02.000Z"],
        ...["2026-01-01T12:00:05.500Z", "bot-1", `${"ab".repeat(32)}/142`],
      ],
      [""],
    ],
  );
});

test("asks for the instance, filter, order and page that the flags name", async (t) => {
  const { list, requests } = await listing(t);
  const flags = ["--instance-name", "dev/linux", "--filter", "stage = QUEUED", "--page-size", "7", "--page-token", "1"];
  await list([...flags, "--sort", "queued_time(desc)", "--sort", "name"]);
  assert.equal(requests[0]?.name, "dev/linux");
  assert.equal(requests[0].filter, "stage = QUEUED & sort_order=queued_time(desc) & sort_order=name");
  assert.equal(requests[0].pageSize, 7);
  assert.equal(requests[0].pageToken, "1");
});

test("takes server and instance from the environment, and lets flags win", async (t) => {
  const { url, requests } = await listing(t);
  const env = { OPGRID_REMOTE: url.replace("http:", "grpc:"), OPGRID_INSTANCE_NAME: "main" };
  assert.equal((await runCli(["op", "list"], { env })).code, 0);
  assert.equal((await runCli(["op", "list", "--instance", ""], { env })).code, 0);
  assert.deepEqual(
    requests.map(({ name }) => name),
    ["main", ""],
  );
});

test("tells the command for the next page, ready to paste", async (t) => {
  const { url, list } = await listing(t, 2);
  const { err } = await list(["--instance-name", "main", "--filter", "stage >= QUEUED & name != 'x'"], {
    self: "opgrid",
  });
  const expected = `opgrid operation list --remote ${url} --instance-name main --filter 'stage >= QUEUED & name != '\\''x'\\''' --page-token 2`;
  assert.equal(err, `next page: ${expected}\n`);
  assert.equal((await list(["--page-token", "2"])).err, "");
});

test("follows all pages", async (t) => {
  const { list, requests } = await listing(t, 1);
  const { out, err } = await list(["--all"]);
  assert.deepEqual(
    out
      .trim()
      .split("\n")
      .map((line) => line.split("\t")[0]),
    ["main/1", "main/2", "main/3"],
  );
  assert.equal(err, "");
  assert.equal(requests.length, 3);
});

test("prints JSON that is a ListOperationsResponse, of one page or of all", async (t) => {
  const { list } = await listing(t, 2);
  const one = JSON.parse((await list(["--json"])).out);
  assert.equal(one.nextPageToken, "2");
  assert.equal(one.operations[1].metadata.stage, "EXECUTING");
  const every = JSON.parse((await list(["--json", "--all"])).out);
  assert.equal(every.operations.length, 3);
  assert.equal("nextPageToken" in every, false);
});

test("prints an empty list as valid JSON, and says so in words otherwise", async (t) => {
  const { list } = await listing(t, 2, []);
  const json = await list(["--json"]);
  assert.equal(fromJsonString(ListOperationsResponseSchema, json.out).operations.length, 0);
  const plain = await list([]);
  assert.deepEqual(plain, { code: 0, out: "", err: "no operation matches\n" });
});

test("is not spoilt by one odd operation, in JSON or as a table", async (t) => {
  const odd = operation({ name: "main/\u001b[2Jodd" });
  odd.metadata = create(AnySchema, { typeUrl: "acme.com/a.B", value: new Uint8Array([7]) });
  const empty = { ...operation({ name: "main/e" }), metadata: anyPack(EmptySchema, create(EmptySchema)) };
  const { list } = await listing(t, 10, [odd, empty, ...all]);
  const { operations } = JSON.parse((await list(["--json"])).out);
  assert.deepEqual(operations[0].metadata, { "@type": "acme.com/a.B", value: "Bw==" });
  const { out } = await list([], { terminal: true });
  assert.equal(out.trim().split("\n").length, 6);
  assert.ok(out.includes("main/\\x1b[2Jodd") && !out.includes("\u001b"));
});

test("refuses a page size that is no number before it calls anybody", async () => {
  for (const size of ["-1", "ten", "1.5", ""]) {
    const { code, err } = await runCli(["op", "list", "--remote", "http://127.0.0.1:1", `--page-size=${size}`]);
    assert.equal(code, 2, size);
    assert.match(err, /--page-size: must be a whole number/);
  }
});
