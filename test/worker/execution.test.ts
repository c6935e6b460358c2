import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "../../src/base/errors.ts";
import { complained, inputRoot, isAlive, printed, startBench } from "../helpers/bot-bench.ts";
import { until } from "../helpers/until.ts";

test("runs a command and reports exit code, output and all its times", async (t) => {
  const { farm, run } = await startBench(t);
  const end = await run({ command: { arguments: ["/bin/sh", "-c", "echo out; echo err >&2; exit 3"] } });
  assert.equal(end.status.code, 0);
  assert.equal(end.result?.exitCode, 3);
  assert.equal(printed(end), "out\n");
  assert.equal(complained(end), "err\n");
  assert.equal(farm.read(end.result?.stdoutDigest).toString(), "out\n");
  assert.equal(farm.read(end.result?.stderrDigest).toString(), "err\n");
  const times = end.result?.executionMetadata;
  assert.equal(times?.worker, "bot");
  const order = [
    times?.workerStartTimestamp,
    times?.inputFetchStartTimestamp,
    times?.inputFetchCompletedTimestamp,
    times?.executionStartTimestamp,
    times?.executionCompletedTimestamp,
    times?.outputUploadStartTimestamp,
    times?.outputUploadCompletedTimestamp,
    times?.workerCompletedTimestamp,
  ].map((time) => (time ? timestampMs(time) : Number.NaN));
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
  );
  assert.ok(times?.virtualExecutionDuration);
});

test("gives a command exactly its own environment, standard input empty", async (t) => {
  const { run } = await startBench(t);
  const environmentVariables = [
    { name: "B", value: "two words" },
    { name: "A", value: "" },
    { name: "__proto__", value: "x=y" },
  ];
  const end = await run({ command: { arguments: ["/usr/bin/env"], environmentVariables } });
  assert.deepEqual(printed(end).trim().split("\n").sort(), ["A=", "B=two words", "__proto__=x=y"]);
  const none = await run({ command: { arguments: ["/usr/bin/env"] } });
  assert.equal(printed(none), "");
  const input = await run({ command: { arguments: ["/bin/cat"] } });
  assert.equal(input.result?.exitCode, 0);
});

test("starts a command in its working directory and resolves its name as the Command message says", async (t) => {
  const { farm, run } = await startBench(t);
  const tool = { file: '#!/bin/sh\necho "$0 in $(/bin/pwd)"', executable: true };
  const root = inputRoot(farm, { sub: { entries: { tool, bin: { entries: { other: tool } } } } });
  const start = (name: string, path?: string) =>
    run({
      inputRoot: root,
      command: {
        arguments: [name],
        workingDirectory: "sub",
        environmentVariables: path === undefined ? [] : [{ name: "PATH", value: path }],
      },
    });
  assert.match(printed(await start("./tool")), /tool in .*\/root\/sub\n$/);
  assert.match(printed(await start("bin/other")), /other in .*\/root\/sub\n$/);
  assert.match(printed(await start("other", "/nowhere:bin")), /other in .*\/root\/sub\n$/);
  assert.match(printed(await start("tool", "/bin:")), /tool in .*\/root\/sub\n$/);
  assert.equal((await start("true")).result?.exitCode, 0);
});

test("keeps argv[0] as it was given", async (t) => {
  const { run } = await startBench(t);
  const end = await run({
    command: {
      arguments: ["sh", "-c", "tr '\\0' ' ' < /proc/$$/cmdline; exit"],
      environmentVariables: [{ name: "PATH", value: "/usr/bin:/bin" }],
    },
  });
  assert.match(printed(end), /^sh -c /);
});

test("answers like a shell for a command that cannot be started", async (t) => {
  const { farm, run } = await startBench(t);
  const root = inputRoot(farm, {
    "plain.txt": "no program",
    "broken.sh": { file: "#!/no/such/interpreter\n", executable: true },
    dir: { entries: {} },
  });
  const cases: [string, number, RegExp][] = [
    ["no-such-command", 127, /no-such-command: command not found/],
    ["./missing", 127, /missing: no such file or directory/],
    ["./broken.sh", 127, /interpreter does not exist/],
    ["./plain.txt", 126, /permission denied/],
    ["./dir", 126, /is a directory/],
  ];
  for (const [name, exitCode, message] of cases) {
    const end = await run({ inputRoot: root, command: { arguments: [name] } });
    assert.equal(end.status.code, 0, name);
    assert.equal(end.result?.exitCode, exitCode, name);
    assert.match(complained(end), message);
  }
  const long = await run({ command: { arguments: ["/bin/true", "x".repeat(3_000_000)] } });
  assert.equal(long.result?.exitCode, 126);
  assert.match(complained(long), /argument list too long/);
});

test("refuses commands that no operating system could take", async (t) => {
  const { farm, run } = await startBench(t);
  const root = inputRoot(farm, { file: "x", out: { symlink: "/" } });
  const refused: Parameters<typeof run>[0]["command"][] = [
    { arguments: [] },
    { arguments: ["/bin/true", "a\0b"] },
    { arguments: ["/bin/true"], environmentVariables: [{ name: "A=B", value: "" }] },
    { arguments: ["/bin/true"], environmentVariables: [{ name: "A", value: "a\0b" }] },
    { arguments: ["/bin/true"], workingDirectory: ".." },
    { arguments: ["/bin/true"], workingDirectory: "/tmp" },
    { arguments: ["/bin/true"], workingDirectory: "missing" },
    { arguments: ["/bin/true"], workingDirectory: "file" },
    { arguments: ["/bin/true"], workingDirectory: "out/tmp" },
    { arguments: ["/bin/true"], outputPaths: ["../x"] },
    { arguments: ["/bin/true"], outputPaths: ["a/../../x"] },
    { arguments: ["/bin/true"], outputFiles: ["/etc/passwd"] },
    { arguments: ["/bin/true"], outputPaths: ["out/tmp/x"] },
    { arguments: ["/bin/true"], outputPaths: ["file/x"] },
  ];
  for (const command of refused) {
    const end = await run({ inputRoot: root, command });
    assert.equal(end.status.code, Code.InvalidArgument, JSON.stringify(command));
    assert.equal(end.result, undefined);
  }
  const negative = await run({ command: { arguments: ["/bin/true"] }, action: { timeout: { seconds: -1n } } });
  assert.equal(negative.status.code, Code.InvalidArgument);
});

test("reads the action by its digest, and refuses payloads that it does not know", async (t) => {
  const { farm, run } = await startBench(t);
  const command = { arguments: ["/bin/echo", "hi"] };
  assert.equal(printed(await run({ command, byDigest: true })), "hi\n");
  const unknown = farm.submit({
    command,
    payload: { $typeName: "google.protobuf.Any", typeUrl: "type.googleapis.com/x.Y", value: new Uint8Array() },
  });
  assert.equal((await unknown.ended).status.code, Code.InvalidArgument);
  const torn = farm.submit({
    command,
    payload: {
      $typeName: "google.protobuf.Any",
      typeUrl: "type.googleapis.com/build.bazel.remote.execution.v2.Action",
      value: Buffer.from([0xff]),
    },
  });
  assert.equal((await torn.ended).status.code, Code.InvalidArgument);
});

test("stores large output beside the result and passes it on whole", async (t) => {
  const { farm, shell } = await startBench(t);
  const end = await shell("head -c 20000000 /dev/zero; echo end >&2");
  assert.equal(end.status.code, 0);
  assert.equal(end.result?.stdoutRaw.length, 0);
  assert.equal(Number(end.result?.stdoutDigest?.sizeBytes), 20_000_000);
  assert.equal(farm.read(end.result?.stdoutDigest).length, 20_000_000);
  assert.equal(complained(end), "end\n");
});

test("ends a command at its timeout with everything it started, and keeps what it printed", async (t) => {
  const { bot, shell } = await startBench(t);
  const script = "echo begun; (sleep 600 & echo child $!; wait) & sh -c 'sleep 601 & echo grandchild $!' ; wait";
  const end = await shell(script, { action: { timeout: { nanos: 400_000_000 } } });
  assert.equal(end.status.code, Code.DeadlineExceeded);
  assert.match(end.status.message, /400 ms/);
  assert.equal(end.result?.exitCode, 137);
  assert.match(printed(end), /^begun\n/);
  const pids = [...printed(end).matchAll(/child (\d+)/g)].map(([, pid]) => Number(pid));
  assert.equal(pids.length, 2);
  assert.deepEqual(pids.filter(isAlive), []);
  assert.deepEqual(await readdir(join(bot.directory, "actions")), []);
});

test("leaves no background process behind a command that ended, not even one that left its group", async (t) => {
  const { shell } = await startBench(t);
  const script = "sleep 600 & echo pid $!; setsid sh -c 'echo pid $$; exec sleep 601' & sleep 0.2";
  const end = await shell(script);
  assert.equal(end.result?.exitCode, 0);
  const pids = [...printed(end).matchAll(/pid (\d+)/g)].map(([, pid]) => Number(pid));
  assert.equal(pids.length, 2);
  assert.deepEqual(pids.filter(isAlive), []);
});

test("reports a signal as 128 plus its number", async (t) => {
  const { shell } = await startBench(t);
  assert.equal((await shell("kill -TERM $$")).result?.exitCode, 143);
  assert.equal((await shell("kill -KILL $$")).result?.exitCode, 137);
});

test("tells the times while the command runs", async (t) => {
  const { farm } = await startBench(t);
  const job = farm.submit({ command: { arguments: ["/bin/sleep", "0.5"] } });
  await until(() => job.progress.some((times) => times.executionStartTimestamp), "progress");
  assert.ok(!job.progress.some((times) => times.executionCompletedTimestamp));
  await job.ended;
  assert.ok(job.progress.length < 6, "unchanged times are not told again");
});
