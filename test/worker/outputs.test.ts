import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type Directory,
  DirectorySchema,
  Command_OutputDirectoryFormat as Format,
  TreeSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { Code } from "../../src/base/errors.ts";
import { complained, inputRoot, outputsOf, printed, startBench } from "../helpers/bot-bench.ts";
import { readMessage } from "../helpers/fake-cas.ts";
import { until } from "../helpers/until.ts";

test("uploads output files with their executable bit, and leaves out what is missing", async (t) => {
  const { farm, shell } = await startBench(t);
  const script = "mkdir -p d; echo a > d/a; echo b > b; chmod +x b; : > empty";
  const end = await shell(script, { command: { outputPaths: ["b", "d/a", "empty", "missing", "no/such/dir"] } });
  farm.put("");
  assert.deepEqual(outputsOf(farm, end), { b: "b\n", "d/a": "a\n", empty: "" });
  const modes = end.result?.outputFiles.map((file) => [file.path, file.isExecutable, Number(file.digest?.sizeBytes)]);
  assert.deepEqual(modes, [
    ["b", true, 2],
    ["d/a", false, 2],
    ["empty", false, 0],
  ]);
  assert.equal(end.result?.outputDirectories.length, 0);
});

test("takes output paths relative to the working directory", async (t) => {
  const { farm, shell } = await startBench(t);
  const root = inputRoot(farm, { wd: { entries: { in: "i" } } });
  const command = { workingDirectory: "wd", outputPaths: ["sub/out", "../beside"] };
  const end = await shell("echo x > sub/out; echo y > ../beside", { inputRoot: root, command });
  assert.deepEqual(outputsOf(farm, end), { "sub/out": "x\n", "../beside": "y\n" });
});

test("describes an output directory as a tree, equal directories once, parents first", async (t) => {
  const { farm, shell } = await startBench(t);
  const script = `mkdir -p out/x/same out/y/same out/empty out/z
    echo 1 > out/x/same/f; echo 1 > out/y/same/f; echo 2 > out/b; echo 2 > out/a; chmod +x out/a; ln -s ../b out/z/link`;
  const end = await shell(script, { command: { outputPaths: ["out"] } });
  const [directory] = end.result?.outputDirectories ?? [];
  assert.equal(directory?.path, "out");
  assert.equal(directory?.isTopologicallySorted, true);
  assert.equal(directory?.rootDirectoryDigest, undefined);
  const tree = readMessage(farm, TreeSchema, directory?.treeDigest);
  assert.deepEqual(
    tree.root?.files.map((file) => [file.name, file.isExecutable]),
    [
      ["a", true],
      ["b", false],
    ],
  );
  assert.deepEqual(
    tree.root?.directories.map(({ name }) => name),
    ["empty", "x", "y", "z"],
  );
  assert.equal(tree.root?.directories[1]?.digest?.hash, tree.root?.directories[2]?.digest?.hash, "x and y are equal");
  assert.equal(tree.children.length, 4, "empty, x = y, same, z");
  const digests = tree.children.map((child) => farm.putMessage(DirectorySchema, child).hash);
  tree.children.forEach((child, index) => {
    for (const { digest } of child.directories)
      assert.ok(digests.indexOf(digest?.hash ?? "") > index, "parents come first");
  });
  const z = tree.children.find((child) => child.symlinks.length > 0);
  assert.deepEqual(
    z?.symlinks.map(({ name, target }) => [name, target]),
    [["link", "../b"]],
  );
});

test("describes an output directory by its directories when the command asks for them", async (t) => {
  const { farm, shell } = await startBench(t);
  const script = "mkdir -p out/sub; echo 1 > out/sub/f";
  for (const outputDirectoryFormat of [Format.DIRECTORY_ONLY, Format.TREE_AND_DIRECTORY]) {
    const end = await shell(script, { command: { outputPaths: ["out"], outputDirectoryFormat } });
    const [directory] = end.result?.outputDirectories ?? [];
    const root: Directory = readMessage(farm, DirectorySchema, directory?.rootDirectoryDigest);
    const sub = readMessage(farm, DirectorySchema, root.directories[0]?.digest);
    assert.equal(farm.read(sub.files[0]?.digest).toString(), "1\n");
    assert.equal(directory?.treeDigest !== undefined, outputDirectoryFormat === Format.TREE_AND_DIRECTORY);
  }
});

test("takes the whole working directory for the empty path", async (t) => {
  const { farm, shell } = await startBench(t);
  const root = inputRoot(farm, { in: "i" });
  const end = await shell("echo o > out", { inputRoot: root, command: { outputDirectories: [""] } });
  const tree = readMessage(farm, TreeSchema, end.result?.outputDirectories[0]?.treeDigest);
  assert.deepEqual(
    tree.root?.files.map((file) => file.name),
    ["in", "out"],
  );
});

test("hands symlinks over as they are", async (t) => {
  const { farm, shell } = await startBench(t);
  const script = "echo f > f; mkdir d; ln -s f lf; ln -s d ld; ln -s /etc/passwd abs; ln -s nowhere dangling";
  const modern = await shell(script, { command: { outputPaths: ["abs", "dangling", "ld", "lf"] } });
  const all = { abs: "-> /etc/passwd", dangling: "-> nowhere", ld: "-> d", lf: "-> f" };
  assert.deepEqual(outputsOf(farm, modern), all);
  assert.equal(modern.result?.outputFileSymlinks.length, 0);
  const old = await shell(script, { command: { outputFiles: ["abs", "dangling", "lf"], outputDirectories: ["ld"] } });
  assert.deepEqual(outputsOf(farm, old), all);
  assert.deepEqual(
    old.result?.outputFileSymlinks.map(({ path }) => path),
    ["abs", "dangling", "lf"],
  );
  assert.deepEqual(
    old.result?.outputDirectorySymlinks.map(({ path }) => path),
    ["ld"],
  );
});

test("ignores the old output fields when output_paths is there", async (t) => {
  const { farm, shell } = await startBench(t);
  const command = { outputPaths: ["a"], outputFiles: ["b"], outputDirectories: ["d"] };
  const end = await shell("echo a > a; echo b > b; mkdir d", { command });
  assert.deepEqual(outputsOf(farm, end), { a: "a\n" });
  assert.equal(end.result?.outputDirectories.length, 0);
});

test("refuses outputs of the wrong kind, and keeps what the command printed", async (t) => {
  const { shell } = await startBench(t);
  const cases: [string, object, RegExp][] = [
    ["mkfifo p", { outputPaths: ["p"] }, /output p is neither/],
    ["mkdir d; mkfifo d/p", { outputPaths: ["d"] }, /output d\/p is neither/],
    ["mkdir d", { outputFiles: ["d"] }, /is a directory and should be a file/],
    ["echo > f", { outputDirectories: ["f"] }, /is a file and should be a directory/],
    ["mkdir d; ln -s d l", { outputFiles: ["l"] }, /link to a directory/],
    ["mkdir d; printf x > \"$(printf 'd/\\377')\"", { outputPaths: ["d"] }, /not UTF-8/],
  ];
  for (const [script, command, message] of cases) {
    const end = await shell(`${script}; echo why >&2; echo ok > good`, { command });
    assert.equal(end.status.code, Code.FailedPrecondition, script);
    assert.match(end.status.message, message);
    assert.equal(complained(end), "why\n");
    assert.equal(end.result?.outputFiles.length, 0);
  }
});

test("refuses an output that the command moved out of the input root", async (t) => {
  const { shell } = await startBench(t);
  const end = await shell("rmdir dir; ln -s /etc dir", { command: { outputPaths: ["dir/passwd"] } });
  assert.equal(end.status.code, Code.InvalidArgument);
  assert.match(end.status.message, /symbolic link/);
  assert.equal(end.result?.outputFiles.length, 0);
});

test("does not follow symlinks out of an output directory", async (t) => {
  const { farm, shell } = await startBench(t);
  const end = await shell("mkdir d; ln -s /etc d/etc", { command: { outputPaths: ["d"] } });
  const tree = readMessage(farm, TreeSchema, end.result?.outputDirectories[0]?.treeDigest);
  assert.deepEqual(
    tree.root?.symlinks.map(({ name, target }) => [name, target]),
    [["etc", "/etc"]],
  );
  assert.equal(tree.root?.directories.length, 0);
});

test("records the node properties that the command asks for", async (t) => {
  const { farm, shell } = await startBench(t);
  const script = "mkdir d; for f in f d/g; do echo x > $f; chmod 640 $f; touch -d @1000000000 $f; done; chmod 750 d";
  const end = await shell(script, {
    command: { outputPaths: ["d", "f"], outputNodeProperties: ["mtime", "unix_mode"] },
  });
  const [file] = end.result?.outputFiles ?? [];
  assert.equal(file?.nodeProperties?.unixMode, 0o640);
  assert.equal(file?.nodeProperties?.mtime && timestampMs(file.nodeProperties.mtime), 1_000_000_000_000);
  const tree = readMessage(farm, TreeSchema, end.result?.outputDirectories[0]?.treeDigest);
  assert.equal(tree.root?.nodeProperties?.unixMode, 0o750);
  assert.equal(tree.root?.files[0]?.nodeProperties?.unixMode, 0o640);
  const plain = await shell(script, { command: { outputPaths: ["f"] } });
  assert.equal(plain.result?.outputFiles[0]?.nodeProperties, undefined);
});

test("uploads only what the CAS does not have, and resumes an upload that was cut", async (t) => {
  const { farm, shell } = await startBench(t);
  const large = randomBytes(6_000_000);
  const root = inputRoot(farm, { large: { file: large } });
  const kept = await shell("cp large out", { inputRoot: root, command: { outputPaths: ["out"] } });
  assert.equal(kept.result?.outputFiles[0]?.digest?.hash, farm.put(large).hash);
  assert.ok(!farm.calls.includes("Write"));
  farm.failures.set("WriteChunk", [Code.Unavailable]);
  const sent = await shell("cat large large > out", { inputRoot: root, command: { outputPaths: ["out"] } });
  assert.deepEqual(farm.read(sent.result?.outputFiles[0]?.digest), Buffer.concat([large, large]));
  assert.ok(farm.calls.includes("QueryWriteStatus"));
});

test("removes what an action leaves, read-only and very deep directories too", async (t) => {
  const { bot, shell } = await startBench(t);
  const deep = "i=0; while [ $i -lt 300 ]; do mkdir nnnnnnnnnnnnnnnnnnnn && cd nnnnnnnnnnnnnnnnnnnn; i=$((i+1)); done";
  const end = await shell(`mkdir -p ro/sub; echo x > ro/sub/f; chmod -R a-w ro; ${deep}; echo $i`);
  assert.equal(printed(end), "300\n");
  const left = async () => [
    ...(await readdir(join(bot.directory, "actions"))),
    ...(await readdir(join(bot.directory, "trash"))),
  ];
  await until(async () => (await left()).length === 0, "the directories to be gone");
});
