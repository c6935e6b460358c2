import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import type { WatchOperationsRequest, WatchOperationsResponse } from "../../gen/opgrid/v1/opgrid_pb.ts";
import { invalidField, unavailable } from "../../src/base/errors.ts";
import { Interruption, type Shell } from "../../src/cli/shell.ts";
import { until } from "../helpers/until.ts";
import { deleted, hangUp, left, matching, news } from "./changes.ts";
import { startFakeServer } from "./fake-server.ts";
import { runCli } from "./run-cli.ts";
import { exited, operation } from "./samples.ts";

type Turn = (request: WatchOperationsRequest) => Iterable<WatchOperationsResponse>;

const END = "main/end";

/**
 * Watches a server that answers each call by the next turn, and says something for the last time after the last one;
 * when that is shown, Ctrl-C is pressed. A turn that throws ends its call.
 */
async function watchTurns(t: TestContext, turns: readonly Turn[], argv: readonly string[] = [], shell = {}) {
  const requests: WatchOperationsRequest[] = [];
  const stop = new AbortController();
  const { url } = await startFakeServer(t, {
    farm: {
      watchOperations: async function* (request, { signal }) {
        const turn = turns[requests.push(request) - 1];
        if (turn) yield* turn(request);
        if (requests.length < turns.length) return;
        yield news([matching(operation({ name: END }))]);
        await hangUp(signal);
      },
    },
  });
  let out = "";
  const write = (text: string) => {
    out += text;
    if (text.includes(END)) stop.abort(new Interruption("SIGINT", 130));
  };
  const takeTerminal = (enter: string, leave: string) => {
    write(enter);
    return { [Symbol.dispose]: () => write(leave) };
  };
  const own = { signal: stop.signal, out: write, takeTerminal, ...shell };
  const { code, err } = await runCli(["operation", "watch", "--remote", url, ...argv], own);
  const lines = out.split("\n").filter((line) => line !== "" && !line.includes(END));
  return { code, err, out, requests, lines };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about
const OWN_ESCAPE = /\u001b\[(?:[HKJ]|\?\d+[hl])/g;

const running = operation({ name: "main/1", stage: "EXECUTING" });

test("watch without a name prints a line for each change, which programs can cut", async (t) => {
  const turn = () => [
    news([matching(operation({ name: "main/1" })), matching(operation({ name: "main/2" }))], { reset: true }),
    news([matching(running), left("main/2"), deleted("main/never-sent")]),
    news([]),
    news([deleted("main/1"), matching(operation({ name: "main/3", response: exited(1) }))]),
  ];
  const { code, err, lines } = await watchTurns(t, [turn]);
  assert.deepEqual({ code, err }, { code: 130, err: "" });
  const cut = lines.map((line) => line.split("\t"));
  assert.ok(cut.every(([time = ""]) => /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(time)));
  assert.deepEqual(
    cut.map((cells) => cells.slice(1, 4)),
    [
      ["main/1", "QUEUED", ""],
      ["main/2", "QUEUED", ""],
      ["main/1", "EXECUTING", ""],
      ["main/2", "left"],
      ["main/1", "deleted"],
      ["main/3", "COMPLETED", "exit 1"],
    ],
  );
  assert.deepEqual(cut[5]?.slice(4), [
    ...["2026-01-01T12:00:00.000Z", "2026-01-01T12:00:02.000Z", "2026-01-01T12:00:05.500Z"],
    ...["bot-1", `${"ab".repeat(32)}/142`],
  ]);
});

test("watch --json prints an operation on each line, or what happened to it, on a terminal too", async (t) => {
  const turn = () => [
    news([matching(operation({ name: "main/1" }))], { reset: true }),
    news([left("main/1"), matching(running), deleted("main/1")]),
  ];
  const { lines } = await watchTurns(t, [turn], ["--json"], { terminal: true });
  const values = lines.map((line) => JSON.parse(line));
  assert.equal(values[0].metadata.stage, "QUEUED");
  assert.deepEqual(values[1], { left: "main/1" });
  assert.equal(values[2].metadata.stage, "EXECUTING");
  assert.deepEqual(values.slice(3), [{ deleted: "main/1" }]);
});

test("watch asks for the instance, filter and order that the flags name", async (t) => {
  const flags = ["--instance-name", "-", "--filter", "stage = QUEUED", "--sort", "name(desc)", "--sort", "worker"];
  const { requests } = await watchTurns(t, [() => []], [...flags, "--changes-only"]);
  assert.equal(requests[0]?.instanceName, "-");
  assert.equal(requests[0].filter, "stage = QUEUED & sort_order=name(desc) & sort_order=worker");
  assert.deepEqual([requests[0].changesOnly, requests[0].resumeToken], [true, ""]);
});

test("watch --changes-only tells who left without having been told that it was there", async (t) => {
  const turn = () => [news([], { reset: true }), news([left("main/1"), deleted("main/2")])];
  const { lines } = await watchTurns(t, [turn], ["--changes-only"]);
  assert.deepEqual(
    lines.map((line) => line.split("\t").slice(1)),
    [
      ["main/1", "left"],
      ["main/2", "deleted"],
    ],
  );
});

test("watch resumes with the last token after each kind of loss, and tells nothing twice", async (t) => {
  const turns: Turn[] = [
    () => [news([matching(operation())], { reset: true, resumeToken: "a" }), news([], { resumeToken: "b" })],
    () => {
      throw unavailable("the server is stopping\u001b[2J", 100);
    },
    function* () {
      yield news([matching(operation()), matching(running)], { resumeToken: "c" });
      throw new Error("a fault of the server");
    },
    () => [news([left("main/1")])],
  ];
  const { code, err, lines, requests } = await watchTurns(t, turns);
  assert.equal(code, 130);
  assert.deepEqual(
    requests.map(({ resumeToken }) => resumeToken),
    ["", "b", "b", "c"],
  );
  assert.deepEqual(
    lines.map((line) => line.split("\t")[2]),
    ["QUEUED", "EXECUTING", "left"],
  );
  assert.match(err, /^connection lost, trying again in \d+ms and later: UNAVAILABLE: the server ended the watch\n/);
  assert.equal(err.match(/^connected again$/gm)?.length, 2);
  assert.ok(!err.includes("\u001b"));
});

test("watch says when all that it told is void", async (t) => {
  const turn = () => [
    news([matching(operation())], { reset: true }),
    news([matching(operation())], { reset: true }),
    news([left("main/1")]),
  ];
  const text = await watchTurns(t, [turn]);
  assert.deepEqual(
    text.lines.map((line) => line.split("\t").slice(1, 3)),
    [
      ["main/1", "QUEUED"],
      ["", "reset"],
      ["main/1", "QUEUED"],
      ["main/1", "left"],
    ],
  );
  const json = await watchTurns(t, [turn], ["--json"]);
  assert.deepEqual(JSON.parse(json.lines[1] ?? ""), { reset: true });
});

test("watch begins anew when the server does not take the token any more", async (t) => {
  const turns: Turn[] = [
    () => [news([matching(operation())], { reset: true, resumeToken: "old" })],
    () => {
      throw invalidField("resume_token", "is of another filter");
    },
    () => [news([], { reset: true })],
  ];
  const { code, requests } = await watchTurns(t, turns);
  assert.equal(code, 130);
  assert.deepEqual(
    requests.map(({ resumeToken }) => resumeToken),
    ["", "old", ""],
  );
});

test("watch gives up what another try does not mend, also later", async (t) => {
  const refuse = () => {
    throw invalidField("filter", "no such key");
  };
  const first = await watchTurns(t, [refuse]);
  assert.deepEqual([first.code, first.err], [1, "error: INVALID_ARGUMENT: filter: no such key\n"]);
  const later = await watchTurns(t, [() => [news([], { reset: true })], refuse]);
  assert.equal(later.code, 1);
  assert.match(later.err, /error: INVALID_ARGUMENT: filter: no such key\n$/);
  const { url } = await startFakeServer(t, { operations: {} });
  const none = await runCli(["operation", "watch", "--remote", url]);
  assert.equal(none.code, 1);
  assert.match(none.err, /^error: UNIMPLEMENTED: /);
  const nobody = await runCli(["operation", "watch", "--remote", "http://127.0.0.1:1"]);
  assert.equal(nobody.code, 1);
  assert.match(nobody.err, /hint: nothing listens there/);
});

test("watch takes a name or a filter, not both", async () => {
  for (const flags of [["--filter", "done"], ["--sort", "name"], ["--changes-only"]]) {
    const { code, err } = await runCli(["op", "watch", "main/1", "--remote", "http://127.0.0.1:1", ...flags]);
    assert.equal(code, 2);
    assert.match(err, /either a name or --filter/);
  }
});

test("on a terminal watch is a table that lets go of the screen at the end, and of no escape of others", async (t) => {
  const odd = operation({ name: "main/\u001b[2Jodd", stage: "EXECUTING", worker: "bot\u009b31m\r\n" });
  const strange = operation({ name: "main/strange" });
  strange.metadata = create(AnySchema, { typeUrl: "acme.com/a.B", value: new Uint8Array([7]) });
  const turn = () => [news([matching(odd), matching(strange)], { reset: true })];
  const shell: Partial<Shell> = { terminal: true, columns: 120, env: { TERM: "xterm" } };
  const { code, out, err } = await watchTurns(t, [turn], ["--instance-name", "main"], shell);
  assert.deepEqual({ code, err }, { code: 130, err: "" });
  assert.ok(out.startsWith("\u001b[?1049h\u001b[?25l\u001b[?7l"));
  assert.ok(out.endsWith("\u001b[?7h\u001b[?25h\u001b[?1049l"));
  assert.ok(out.includes("3 operations: 1 QUEUED, 1 EXECUTING, 1 RUNNING"), out);
  assert.ok(out.includes("main: live"));
  assert.ok(out.includes("main/\\x1b[2Jodd") && out.includes("bot\\x9b31m\\x0d\\x0a"));
  const foreign = out.replaceAll(OWN_ESCAPE, "");
  assert.ok(!foreign.includes("\u001b") && !foreign.includes("\u009b"));
});

test("an error after the table is told on the screen that stays", async (t) => {
  let screen = "";
  let screenWhenTold = "";
  const shell: Partial<Shell> = {
    terminal: true,
    takeTerminal: (enter, leave) => {
      screen = enter;
      return {
        [Symbol.dispose]: () => {
          screen = leave;
        },
      };
    },
    err: () => {
      screenWhenTold ||= screen;
    },
  };
  const refuse = () => {
    throw invalidField("filter", "no such key");
  };
  const { code } = await watchTurns(t, [() => [news([], { reset: true })], refuse], [], shell);
  assert.equal(code, 1);
  assert.ok(screenWhenTold.endsWith("\u001b[?1049l"));
});

test("a dumb terminal gets lines", async (t) => {
  const turn = () => [news([matching(operation())], { reset: true })];
  const { out, lines } = await watchTurns(t, [turn], [], { terminal: true, env: { TERM: "dumb" } });
  assert.match(lines[0] ?? "", /^\S+\tmain\/1\tQUEUED\t/);
  assert.ok(!out.includes("\u001b"));
});

test("watch bears with a server that is gone for a while", async (t) => {
  const requests: WatchOperationsRequest[] = [];
  const stop = new AbortController();
  const server = await startFakeServer(t, {
    farm: {
      watchOperations: async function* (request, { signal }) {
        requests.push(request);
        yield requests.length === 1
          ? news([matching(operation())], { reset: true, resumeToken: "a" })
          : news([left("main/1")]);
        await hangUp(signal);
      },
    },
  });
  let out = "";
  let err = "";
  const watching = runCli(["operation", "watch", "--remote", server.url], {
    signal: stop.signal,
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
  });
  await until(() => out.includes("QUEUED"), "the first row", 20_000);
  await server.stop();
  await until(() => err.includes("connection lost"), "the loss", 20_000);
  await server.start();
  await until(() => out.includes("main/1\tleft"), "the watch to go on", 20_000);
  assert.match(err, /connected again\n$/);
  assert.equal(requests.at(-1)?.resumeToken, "a");
  stop.abort(new Interruption("SIGTERM", 143));
  assert.equal((await watching).code, 143);
});
