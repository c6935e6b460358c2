import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Digest, DirectorySchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { PreconditionFailureSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { Code } from "../../src/base/errors.ts";
import { inputRoot, printed, shellJob, startBench, startBot } from "../helpers/bot-bench.ts";
import type { JobEnd } from "../helpers/fake-farm.ts";

test("stages files, modes, symlinks and empty directories as the input root says", async (t) => {
  const { farm, shell } = await startBench(t);
  const root = inputRoot(farm, {
    "a.txt": "text",
    "empty.txt": "",
    "tool.sh": { file: "#!/bin/sh\n", executable: true },
    "empty-tool": { file: "", executable: true },
    secret: { file: "s", properties: { unixMode: 0o4640 } },
    old: { file: "o", properties: { mtime: timestampFromMs(1_000_000_000_000) } },
    hollow: { entries: {} },
    locked: { entries: { inner: "i" }, properties: { unixMode: 0o555, mtime: timestampFromMs(1_100_000_000_000) } },
    deep: { entries: { deeper: { entries: { "name with space": "x" } } } },
    link: { symlink: "deep/deeper" },
    dangling: { symlink: "/no/such/thing" },
  });
  const end = await shell("find . -printf '%P %y %m %l\\n' | LC_ALL=C sort; stat -c %Y old locked; cat a.txt", {
    inputRoot: root,
  });
  assert.deepEqual(printed(end).split("\n"), [
    " d 755 ",
    "a.txt f 444 ",
    "dangling l 777 /no/such/thing",
    "deep d 755 ",
    "deep/deeper d 755 ",
    "deep/deeper/name with space f 444 ",
    "empty-tool f 555 ",
    "empty.txt f 444 ",
    "hollow d 755 ",
    "link l 777 deep/deeper",
    "locked d 555 ",
    "locked/inner f 444 ",
    "old f 444 ",
    "secret f 640 ",
    "tool.sh f 555 ",
    "1000000000",
    "1100000000",
    "text",
  ]);
});

test("makes the parents of outputs, and not the outputs themselves", async (t) => {
  const { farm, shell } = await startBench(t);
  const root = inputRoot(farm, { wd: { entries: { real: { entries: {} } } }, link: { symlink: "wd/real" } });
  const command = { workingDirectory: "wd", outputPaths: ["a/b/c", "../link/x/y", "top"] };
  const end = await shell("cd ..; find . -printf '%P\\n' | LC_ALL=C sort", { inputRoot: root, command });
  assert.deepEqual(printed(end).trim().split("\n"), ["link", "wd", "wd/a", "wd/a/b", "wd/real", "wd/real/x"]);
});

test("fetches large blobs as streams and survives cuts in the middle", async (t) => {
  const { farm, shell } = await startBench(t);
  const large = randomBytes(6_000_000);
  const root = inputRoot(farm, { large: { file: large }, small: "s" });
  farm.failures.set("ReadChunk", [Code.Unavailable, Code.Unavailable]);
  const end = await shell("sha256sum < large", { inputRoot: root });
  assert.equal(printed(end).split(" ")[0], farm.put(large).hash);
  assert.ok(farm.calls.filter((call) => call === "Read").length >= 3);
});

test("keeps to the server's batch size", async (t) => {
  const { farm, shell } = await startBench(t);
  farm.maxBatchBytes = 1_000;
  const root = inputRoot(farm, Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`f${i}`, `${i}`.repeat(200)])));
  const end = await shell("cat f? f?? | wc -c; head -c 700 /dev/zero > o1; head -c 5000 /dev/zero > o2", {
    inputRoot: root,
    command: { outputPaths: ["o1", "o2"] },
  });
  assert.equal(printed(end).trim(), String(10 * 200 + 10 * 400));
  assert.equal(end.result?.outputFiles.length, 2);
  assert.ok(farm.calls.includes("Write"));
});

test("names every missing input", async (t) => {
  const { farm, shell } = await startBench(t);
  const root = inputRoot(farm, { here: "here", gone: "gone", "also-gone": "also gone" });
  const gone = [farm.put("gone"), farm.put("also gone")].map((digest) => `${digest.hash}/${digest.sizeBytes}`);
  for (const key of gone) farm.blobs.delete(key);
  const end = await shell("true", { inputRoot: root });
  assert.equal(end.status.code, Code.FailedPrecondition);
  assert.deepEqual(violations(end), gone.map((key) => `MISSING blobs/${key}`).sort());
  const noRoot = await shell("true", { inputRoot: { ...root, hash: "0".repeat(64) } });
  assert.deepEqual(violations(noRoot), [`MISSING blobs/${"0".repeat(64)}/${root.sizeBytes}`]);
});

test("refuses input roots that would reach outside or do not parse", async (t) => {
  const { farm, shell } = await startBench(t);
  const digest = farm.put("content");
  const bad: [string, Digest][] = [
    ["parent", farm.putMessage(DirectorySchema, { files: [{ name: "..", digest }] })],
    ["slash", farm.putMessage(DirectorySchema, { files: [{ name: "../../evil", digest }] })],
    ["dot", farm.putMessage(DirectorySchema, { directories: [{ name: ".", digest: farm.put("") }] })],
    ["empty", farm.putMessage(DirectorySchema, { symlinks: [{ name: "", target: "x" }] })],
    ["nul", farm.putMessage(DirectorySchema, { files: [{ name: "a\0b", digest }] })],
    [
      "twice, to write through the link",
      farm.putMessage(DirectorySchema, {
        symlinks: [{ name: "x", target: "/tmp" }],
        directories: [{ name: "x", digest: farm.putMessage(DirectorySchema, { files: [{ name: "evil", digest }] }) }],
      }),
    ],
    ["no target", farm.putMessage(DirectorySchema, { symlinks: [{ name: "x" }] })],
    ["no digest", farm.putMessage(DirectorySchema, { files: [{ name: "x" }] })],
    [
      "bad digest",
      farm.putMessage(DirectorySchema, { files: [{ name: "x", digest: { hash: "../x", sizeBytes: 1n } }] }),
    ],
    ["not a message", farm.put(Buffer.from([0xff, 0xff, 0xff]))],
    ["long name", farm.putMessage(DirectorySchema, { files: [{ name: "n".repeat(300), digest }] })],
  ];
  for (const [what, root] of bad) {
    const end = await shell("true", { inputRoot: root });
    assert.equal(end.status.code, Code.InvalidArgument, `${what}: ${end.status.message}`);
  }
});

test("refuses a small tree that unfolds into a huge one", async (t) => {
  const { farm, shell } = await startBench(t);
  let digest = farm.put("");
  for (let level = 0; level < 25; level++) {
    digest = farm.putMessage(DirectorySchema, {
      directories: [
        { name: "a", digest },
        { name: "b", digest },
      ],
    });
  }
  const end = await shell("true", { inputRoot: digest });
  assert.equal(end.status.code, Code.InvalidArgument);
  assert.match(end.status.message, /more than/);
});

test("gives each action inputs of its own, whatever the one before did to them", async (t) => {
  const { bot, farm, shell } = await startBench(t);
  const root = inputRoot(farm, { "in.txt": "original", tool: { file: "#!/bin/sh\necho good", executable: true } });
  const vandal =
    "chmod u+w in.txt tool && echo evil > in.txt && printf '#!/bin/sh\\necho evil' > tool && cat in.txt && ./tool";
  assert.equal(printed(await shell(vandal, { inputRoot: root })), "evil\nevil\n");
  assert.equal(printed(await shell("cat in.txt && ./tool", { inputRoot: root })), "originalgood\n");
  assert.ok(cachedFiles(bot.directory).length >= 2);
});

test("notices a cache file that somebody wrote to, also with its times set back", async (t) => {
  const { bot, farm, shell } = await startBench(t);
  const root = inputRoot(farm, { "in.txt": "original" });
  await shell("true", { inputRoot: root });
  const vandal = `for f in $(find ${bot.directory}/cache -type f -size 8c); do
    touch -r $f /tmp/stamp.$$; chmod u+w $f; printf poisoned > $f; touch -r /tmp/stamp.$$ $f; rm /tmp/stamp.$$; done; echo done`;
  assert.equal(printed(await shell(vandal)), "done\n");
  assert.equal(printed(await shell("cat in.txt", { inputRoot: root })), "original");
  await shell(`rm -rf ${bot.directory}/cache/sha256`);
  assert.equal(printed(await shell("cat in.txt", { inputRoot: root })), "original");
});

test("keeps its cache over a restart and checks what it finds there", async (t) => {
  const { bot, farm, shell } = await startBench(t);
  const root = inputRoot(farm, { "a.txt": "sound blob", "b.txt": "rotten blob" });
  await shell("true", { inputRoot: root });
  await bot.stop();
  const rotten = cachedFiles(bot.directory).find((file) => file.includes(farm.put("rotten blob").hash)) as string;
  await chmod(rotten, 0o644);
  await writeFile(rotten, "r0tten blob");
  await writeFile(join(bot.directory, "cache", "partial", "half"), "half a blob");
  farm.calls.length = 0;
  await startBot(t, farm, { directory: bot.directory });
  const { ended } = farm.submit(shellJob("cat a.txt b.txt", { inputRoot: root }));
  assert.equal(printed(await ended), "sound blobrotten blob");
  assert.equal(await readFile(rotten, "utf8"), "rotten blob");
  assert.deepEqual(readdirSync(join(bot.directory, "cache", "partial")), []);
});

test("does not use a blob of one instance for another that does not have it", async (t) => {
  const { farm, bot, shell } = await startBench(t);
  const root = inputRoot(farm, { "in.txt": "of the first instance" });
  await shell("true", { inputRoot: root });
  await bot.stop();
  const missing = farm.put("of the first instance");
  farm.blobs.delete(`${missing.hash}/${missing.sizeBytes}`);
  await startBot(t, farm, { directory: bot.directory });
  const { ended } = farm.submit(shellJob("cat in.txt", { inputRoot: root }));
  const end = await ended;
  assert.equal(end.status.code, Code.FailedPrecondition);
  assert.deepEqual(violations(end), [`MISSING blobs/${missing.hash}/${missing.sizeBytes}`]);
});

test("gives up with UNAVAILABLE when the CAS stays broken, and the server tries again", async (t) => {
  const { farm, shell } = await startBench(t, { retryMs: 200 });
  farm.failures.set("BatchReadBlobs", Array(100).fill(Code.Unavailable));
  assert.equal((await shell("true")).status.code, Code.Unavailable);
  farm.failures.delete("BatchReadBlobs");
  assert.equal((await shell("true")).status.code, 0);
});

test("loads a blob once for actions that start together", async (t) => {
  const { farm, run } = await startBench(t, { capacity: 4 });
  const file = randomBytes(5_000_000);
  const root = inputRoot(farm, { file: { file } });
  const ends = await Promise.all(
    [1, 2, 3, 4].map((n) => run(shellJob(`echo ${n}; sleep 0.1; sha256sum < file`, { inputRoot: root }))),
  );
  for (const end of ends) assert.match(printed(end), new RegExp(farm.put(file).hash));
  assert.equal(farm.calls.filter((call) => call === "Read").length, 1);
});

function violations(end: JobEnd): string[] {
  const failures = end.status.details.map((detail) => fromBinary(PreconditionFailureSchema, detail.value));
  return failures.flatMap((failure) => failure.violations.map(({ type, subject }) => `${type} ${subject}`)).sort();
}

function cachedFiles(directory: string): string[] {
  return readdirSync(join(directory, "cache", "sha256"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
