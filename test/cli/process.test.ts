import assert from "node:assert/strict";
import test from "node:test";
import { until } from "../helpers/until.ts";
import { startFakeServer } from "./fake-server.ts";
import { spawnCli } from "./run-cli.ts";
import { exited, operation } from "./samples.ts";

function hanging(t: test.TestContext, called: () => void) {
  return startFakeServer(t, {
    operations: {
      waitOperation: async (_, { signal }) => {
        called();
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        return operation();
      },
    },
  });
}

test("ends as a process with the exit code of what it waited for, and at once", async (t) => {
  const { url } = await startFakeServer(t, { operations: { waitOperation: () => operation({ response: exited(1) }) } });
  const { code, out, err } = await spawnCli(t, ["operation", "wait", "main/1", "--remote", url]).ended;
  assert.equal(code, 3, err);
  assert.match(out, /result: +exit 1/);
});

for (const [signal, exitCode] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const) {
  test(`ends quietly with exit code ${exitCode} on ${signal}`, async (t) => {
    let calls = 0;
    const { url } = await hanging(t, () => calls++);
    const waiting = spawnCli(t, ["operation", "wait", "main/1"], { OPGRID_REMOTE: url });
    await until(() => calls === 1, "the call to arrive", 20_000);
    waiting.kill(signal);
    assert.deepEqual(await waiting.ended, { code: exitCode, out: "", err: "" });
  });
}

test("ends quietly when nobody reads its output any more", async (t) => {
  let watching = true;
  t.after(() => {
    watching = false;
  });
  const { url } = await startFakeServer(t, {
    execution: {
      waitExecution: async function* () {
        for (let count = 0; watching; count++) {
          yield operation({ stage: "EXECUTING", worker: `bot-${count}` });
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      },
    },
  });
  const watch = spawnCli(t, ["operation", "watch", "main/1", "--remote", url]);
  await until(() => watch.out().includes("\n"), "the first line", 20_000);
  watch.stopReading();
  const { code, err } = await watch.ended;
  assert.deepEqual({ code, err }, { code: 141, err: "" });
});
