import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { entriesOf, type FileNode, outputsOf } from "../../dashboard/src/cas/file-node.ts";
import { type Children, fileRows, keyEffect, parentsOf } from "../../dashboard/src/cas/file-rows.ts";
import { ActionResultSchema, DirectorySchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";

const digest = { hash: "a".repeat(64), sizeBytes: 3n };
const root = create(DirectorySchema, {
  files: [{ name: "run.sh", digest, isExecutable: true, nodeProperties: { unixMode: 0o755 } }],
  directories: [{ name: "src", digest }],
  symlinks: [{ name: "latest", target: "src" }],
});
const inner = create(DirectorySchema, { files: [{ name: "main.cc", digest }] });

function rowsWith(open: readonly string[], known: Record<string, Children>) {
  return fileRows(
    entriesOf(root, "", undefined),
    (path) => open.includes(path),
    (path) => known[path],
  );
}

const label = (row: ReturnType<typeof rowsWith>[number]) =>
  row.kind === "node" ? `${row.level} ${row.node.path}` : `${row.level} (${row.children.state})`;

test("a directory shows what is in it once it is open and read", () => {
  const loaded: Children = { state: "loaded", nodes: entriesOf(inner, "src", undefined) };
  assert.deepEqual(rowsWith([], {}).map(label), ["1 src", "1 run.sh", "1 latest"]);
  assert.deepEqual(rowsWith(["src"], {}).map(label), ["1 src", "2 (loading)", "1 run.sh", "1 latest"]);
  assert.deepEqual(rowsWith(["src"], { src: loaded }).map(label), ["1 src", "2 src/main.cc", "1 run.sh", "1 latest"]);
  const failed: Children = { state: "failed", error: new Error("gone") };
  assert.deepEqual(rowsWith(["src"], { src: failed }).map(label)[1], "2 (failed)");
});

test("a tree that has itself inside ends", () => {
  const self: Children = { state: "loaded", nodes: [...entriesOf(root, "src", undefined)] };
  const rows = fileRows(
    entriesOf(root, "", undefined),
    () => true,
    () => self,
  );
  assert.ok(rows.length < 1000);
});

test("keys go through nodes, and open and close directories", () => {
  const rows = rowsWith(["src"], { src: { state: "loading" } });
  assert.deepEqual(keyEffect(rows, 0, "arrowdown"), { to: 2 });
  assert.deepEqual(keyEffect(rows, 2, "arrowup"), { to: 0 });
  assert.equal(keyEffect(rows, 0, "arrowleft"), "toggle");
  assert.deepEqual(keyEffect(rows, 0, "arrowright"), { to: 2 });
  assert.equal(keyEffect(rowsWith([], {}), 0, "arrowright"), "toggle");
  assert.equal(keyEffect(rows, 2, "enter"), "act");
  assert.equal(keyEffect(rows, 3, "arrowdown"), undefined);
  assert.deepEqual(keyEffect(rows, 0, "end"), { to: 3 });
  const inside = rowsWith(["src"], { src: { state: "loaded", nodes: entriesOf(inner, "src", undefined) } });
  assert.deepEqual(keyEffect(inside, 1, "arrowleft"), { to: 0 });
});

test("the way to a path is opened with it", () => {
  assert.deepEqual(parentsOf("a/b/c"), ["a", "a/b"]);
  assert.deepEqual(parentsOf("a"), []);
});

test("outputs are in order of their paths, and a link that is listed twice is one", () => {
  const result = create(ActionResultSchema, {
    outputFiles: [{ path: "out/z", digest, contents: Uint8Array.of(1) }],
    outputDirectories: [{ path: "", treeDigest: digest }],
    outputSymlinks: [{ path: "out/l", target: "z" }],
    outputFileSymlinks: [{ path: "out/l", target: "z" }],
  });
  const nodes: FileNode[] = outputsOf(result);
  assert.deepEqual(
    nodes.map(({ name, kind }) => [name, kind]),
    [
      [".", "directory"],
      ["out/l", "symlink"],
      ["out/z", "file"],
    ],
  );
});

test("properties of nodes are told", () => {
  const file = entriesOf(root, "", undefined).find(({ name }) => name === "run.sh");
  assert.deepEqual(file?.notes, ["mode 0755"]);
});
