import assert from "node:assert/strict";
import test from "node:test";
import { durationMs } from "@bufbuild/protobuf/wkt";
import type { Operation } from "../../gen/google/longrunning/operations_pb.ts";
import { systemClock } from "../../src/base/clock.ts";
import { notFound, unavailable } from "../../src/base/errors.ts";
import { Interruption } from "../../src/cli/shell.ts";
import { until } from "../helpers/until.ts";
import { startFakeServer } from "./fake-server.ts";
import { runCli } from "./run-cli.ts";
import { exited, operation } from "./samples.ts";

const endings: readonly [string, Operation, number][] = [
  ["ok", operation({ response: exited(0) }), 0],
  ["exit 1", operation({ response: exited(1) }), 3],
  ["DEADLINE_EXCEEDED", operation({ error: { code: 4, message: "too slow" } }), 4],
  ["CANCELLED", operation({ error: { code: 1, message: "by alice" } }), 5],
];

for (const [result, ended, exitCode] of endings) {
  test(`ends wait and watch with exit code ${exitCode} for the result ${result}`, async (t) => {
    const { url } = await startFakeServer(t, {
      operations: { waitOperation: () => ended },
      execution: {
        waitExecution: async function* () {
          yield operation();
          yield ended;
        },
      },
    });
    const waited = await runCli(["operation", "wait", "main/1", "--remote", url]);
    assert.equal(waited.code, exitCode);
    assert.match(waited.out, new RegExp(`^result: +${result}$`, "m"));
    const watched = await runCli(["operation", "watch", "main/1", "--remote", url]);
    assert.equal(watched.code, exitCode);
    assert.match(watched.out, new RegExp(`COMPLETED\t${result}`));
  });
}

test("waits in calls of bounded length until the operation is done", async (t) => {
  const asked: number[] = [];
  const { url } = await startFakeServer(t, {
    operations: {
      waitOperation: ({ timeout }) => {
        asked.push(timeout ? durationMs(timeout) : -1);
        return asked.length < 3 ? operation({ stage: "EXECUTING" }) : operation({ response: exited(0) });
      },
    },
  });
  const { code, out } = await runCli(["operation", "wait", "main/1", "--json", "--remote", url]);
  assert.equal(code, 0);
  assert.equal(JSON.parse(out).done, true);
  assert.equal(asked.length, 3);
  assert.ok(asked.every((ms) => ms > 0 && ms <= 30_000));
});

test("gives up when the time is over, with an exit code of its own", async (t) => {
  const asked: number[] = [];
  const { url } = await startFakeServer(t, {
    operations: {
      waitOperation: async ({ timeout }) => {
        const ms = timeout ? durationMs(timeout) : -1;
        asked.push(ms);
        await new Promise((resolve) => setTimeout(resolve, ms));
        return operation({ stage: "EXECUTING" });
      },
    },
  });
  const { code, out } = await runCli(["operation", "wait", "main/1", "--timeout", "300ms", "--remote", url]);
  assert.equal(code, 6);
  assert.match(out, /stage: +EXECUTING/);
  assert.ok((asked[0] ?? 0) <= 300);
  assert.equal((await runCli(["operation", "wait", "a", "--timeout", "30", "--remote", url])).code, 2);
});

test("watch prints a line for each change and none for keep-alives", async (t) => {
  const { url } = await startFakeServer(t, {
    execution: {
      waitExecution: async function* () {
        yield* [operation(), operation(), operation({ stage: "EXECUTING" }), operation({ stage: "EXECUTING" })];
        yield operation({ response: exited(0) });
      },
    },
  });
  const piped = await runCli(["operation", "watch", "main/1", "--remote", url]);
  assert.deepEqual(
    piped.out
      .trim()
      .split("\n")
      .map((line) => line.split("\t").slice(1)),
    [["QUEUED"], ["EXECUTING", "", "bot-1"], ["COMPLETED", "ok", "bot-1"]],
  );
  const shown = await runCli(["operation", "watch", "main/1", "--remote", url], { terminal: true });
  assert.match(
    shown.out,
    /^\d\d:\d\d:\d\d {2}QUEUED\n\d\d:\d\d:\d\d {2}EXECUTING {4}bot-1\n.* {2}COMPLETED {4}ok {2}bot-1\n$/,
  );
  const json = await runCli(["operation", "watch", "main/1", "--json", "--remote", url]);
  assert.equal(
    json.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)).length,
    3,
  );
});

test("watch asks again when the server ends the stream early or says that it restarts", async (t) => {
  let calls = 0;
  const { url } = await startFakeServer(t, {
    execution: {
      waitExecution: async function* () {
        calls++;
        if (calls === 1) yield operation();
        else if (calls === 2) throw unavailable("the server is stopping", 100);
        else yield operation({ response: exited(0) });
      },
    },
  });
  const { code, err } = await runCli(["operation", "watch", "main/1", "--remote", url]);
  assert.deepEqual({ code, err, calls }, { code: 0, err: "", calls: 3 });
});

for (const command of ["wait", "watch"]) {
  test(`${command} bears with a server that goes away and comes back`, async (t) => {
    let done = false;
    let calls = 0;
    const current = () => (done ? operation({ response: exited(0) }) : operation({ stage: "EXECUTING" }));
    const server = await startFakeServer(t, {
      operations: {
        waitOperation: async (_, { signal }) => {
          calls++;
          if (!done && calls > 1) await new Promise((resolve) => signal.addEventListener("abort", resolve));
          return current();
        },
      },
      execution: {
        waitExecution: async function* (_, { signal }) {
          calls++;
          yield current();
          if (!done) await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
      },
    });
    const running = runCli(["operation", command, "main/1", "--remote", server.url]);
    await until(() => calls > (command === "wait" ? 1 : 0), "the command to follow the operation", 20_000);
    await server.stop();
    done = true;
    await server.start();
    assert.equal((await running).code, 0);
  });

  test(`${command} fails at once when the server was never there, and for what waiting does not mend`, async (t) => {
    const nobody = await runCli(["operation", command, "main/1", "--remote", "http://127.0.0.1:1"]);
    assert.equal(nobody.code, 1);
    assert.match(nobody.err, /^error: UNAVAILABLE: .*ECONNREFUSED.*\n {2}hint: nothing listens there/);
    const missing = () => {
      throw notFound("operation", "main/1");
    };
    const { url } = await startFakeServer(t, {
      operations: { waitOperation: missing },
      execution: { waitExecution: missing },
    });
    const gone = await runCli(["operation", command, "main/1", "--remote", url]);
    assert.deepEqual([gone.code, gone.err], [1, "error: NOT_FOUND: operation not found: main/1\n"]);
  });

  test(`${command} ends without a word when the user stops it`, async (t) => {
    let calls = 0;
    let cancelled = 0;
    const hang = (signal: AbortSignal) => {
      calls++;
      return new Promise<void>((resolve) =>
        signal.addEventListener("abort", () => {
          cancelled++;
          resolve();
        }),
      );
    };
    const { url } = await startFakeServer(t, {
      operations: {
        waitOperation: async (_, { signal }) => {
          await hang(signal);
          return operation();
        },
      },
      execution: {
        waitExecution: async function* (_, { signal }) {
          yield operation();
          await hang(signal);
        },
      },
    });
    const stop = new AbortController();
    const running = runCli(["operation", command, "main/1", "--remote", url], {
      signal: stop.signal,
      clock: systemClock,
    });
    await until(() => calls === 1, "the call to hang", 20_000);
    stop.abort(new Interruption("SIGINT", 130));
    const { code, err } = await running;
    assert.deepEqual({ code, err }, { code: 130, err: "" });
    await until(() => cancelled === 1, "the server to see the call end", 20_000);
  });
}
