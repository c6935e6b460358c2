import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  AnySchema,
  anyPack,
  DurationSchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorSetSchema,
  file_google_protobuf_any,
  file_google_protobuf_duration,
} from "@bufbuild/protobuf/wkt";
import { ActionResultSchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { startServer } from "../helpers/start-server.ts";
import { envelope } from "../server/clients.ts";
import { openBot } from "./bot.ts";
import { type Grid, responseOf, startGrid, temporaryDirectory } from "./grid.ts";

const UNKNOWN = "type.googleapis.com/unknown.Thing";
const USAGE = "type.googleapis.com/bot.Usage";
const { OPTIONAL: label } = FieldDescriptorProto_Label;
const { INT64, MESSAGE } = FieldDescriptorProto_Type;

const imports = [file_google_protobuf_any, file_google_protobuf_duration].map(({ proto }) => proto);
const usage = {
  name: "bot/usage.proto",
  package: "bot",
  syntax: "proto3",
  dependency: imports.map(({ name }) => name),
  messageType: [
    {
      name: "Usage",
      field: [
        { name: "peak_bytes", number: 1, label, type: INT64 },
        { name: "cpu_time", number: 2, label, type: MESSAGE, typeName: ".google.protobuf.Duration" },
        { name: "more", number: 3, label, type: MESSAGE, typeName: ".google.protobuf.Any" },
      ],
    },
  ],
};

async function file(t: TestContext, content: Uint8Array | string): Promise<string> {
  const path = join(await temporaryDirectory(t), "types.binpb");
  await writeFile(path, content);
  return path;
}

const descriptorSet = () =>
  toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: [...imports, usage] }));

type Content = { typeUrl: string; value: Uint8Array };

/** Runs an action whose bot says these in its result; the name of its operation. */
async function ranWith(grid: Grid, auxiliaryMetadata: Content[]): Promise<string> {
  const operation = await grid.execute({ instanceName: "main", actionDigest: await grid.action() });
  const bot = await openBot(grid.bots);
  const result = create(ActionResultSchema, { executionMetadata: { auxiliaryMetadata } });
  await bot.complete((await bot.lease()).id, { result: anyPack(ActionResultSchema, result) });
  await operation.ended;
  await bot.leave();
  return operation.name;
}

interface Shown {
  readonly response: { readonly result: { readonly executionMetadata: { readonly auxiliaryMetadata: unknown } } };
}

const contentOf = ({ response }: Shown) => response.result.executionMetadata.auxiliaryMetadata;

async function ask(url: string, init?: RequestInit): Promise<unknown> {
  const response = await fetch(url, init);
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return JSON.parse(text);
}

async function shown(grid: Grid, name: string): Promise<unknown> {
  const query = new URLSearchParams({ connect: "v1", encoding: "json", message: JSON.stringify({ name }) });
  return contentOf((await ask(`${grid.url}/google.longrunning.Operations/GetOperation?${query}`)) as Shown);
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
const bytes = (...numbers: number[]) => new Uint8Array(numbers);

/** A field 3 with an Any in it, as in a Usage. */
function more(any: Content): Uint8Array {
  const inner = toBinary(AnySchema, create(AnySchema, any));
  return bytes(0x1a, inner.length, ...inner);
}

test("an Any of an unknown type is its type and its bytes in JSON, in lists and streams too, and itself in binary", async (t) => {
  const grid = await startGrid(t);
  const contents = [
    { typeUrl: UNKNOWN, value: bytes(0x0a, 1, 0x41) },
    { typeUrl: UNKNOWN, value: bytes() },
    // No message with a bytes field at 1 could be read from this one.
    { typeUrl: "example.com/a/other.Thing", value: bytes(0x08, 1) },
  ];
  const expected = contents.map(({ typeUrl, value }) => ({ "@type": typeUrl, value: base64(value) }));
  const name = await ranWith(grid, contents);
  assert.deepEqual(await shown(grid, name), expected);

  const headers = { "content-type": "application/json; charset=utf-8" };
  const body = JSON.stringify({ name: "main", filter: "done" });
  const list = await ask(`${grid.url}/google.longrunning.Operations/ListOperations`, { method: "POST", headers, body });
  assert.deepEqual((list as { operations: Shown[] }).operations.map(contentOf), [expected]);

  const stream = await fetch(`${grid.url}/build.bazel.remote.execution.v2.Execution/WaitExecution`, {
    method: "POST",
    headers: { "content-type": "application/connect+json" },
    body: envelope(Buffer.from(JSON.stringify({ name }))),
  });
  const answer = Buffer.from(await stream.arrayBuffer());
  const first = answer.subarray(5, 5 + answer.readUInt32BE(1)).toString();
  assert.deepEqual(contentOf(JSON.parse(first)), expected);

  const binary = responseOf(await grid.operations.getOperation({ name }));
  const kept = binary.result?.executionMetadata?.auxiliaryMetadata.map(({ typeUrl, value }) => ({ typeUrl, value }));
  assert.deepEqual(kept, contents);
});

test("types of a descriptor set are shown as JSON, with what is in them", async (t) => {
  const grid = await startGrid(t, { "descriptor-set": await file(t, descriptorSet()) });
  const unknown = { typeUrl: UNKNOWN, value: bytes(1, 2, 3) };
  const name = await ranWith(grid, [
    { typeUrl: USAGE, value: bytes(0x08, 42, 0x12, 2, 0x08, 3, ...more(unknown)) },
    anyPack(DurationSchema, create(DurationSchema, { seconds: 1n })),
  ]);
  assert.deepEqual(await shown(grid, name), [
    { "@type": USAGE, peakBytes: "42", cpuTime: "3s", more: { "@type": UNKNOWN, value: base64(unknown.value) } },
    { "@type": "type.googleapis.com/google.protobuf.Duration", value: "1s" },
  ]);
});

test("what only says that it is of a type of a descriptor set is shown as bytes inside of a Struct", async (t) => {
  const grid = await startGrid(t, { "descriptor-set": await file(t, descriptorSet()) });
  const damaged = [
    // A text where the number belongs, a duration of more than 10,000 years, an Any with a name that is none.
    bytes(0x0a, 1, 0x41),
    bytes(0x12, 9, 0x08, ...Array(7).fill(0xff), 0x7f),
    more({ typeUrl: "nothing/", value: bytes(1) }),
  ];
  const name = await ranWith(
    grid,
    damaged.map((value) => ({ typeUrl: USAGE, value })),
  );
  const struct = "type.googleapis.com/google.protobuf.Struct";
  assert.deepEqual(
    await shown(grid, name),
    damaged.map((value) => ({ "@type": struct, value: { "@type": USAGE, value: base64(value) } })),
  );
});

test("a descriptor set that cannot be used stops the start with one line that says which and why", async (t) => {
  const alone = toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: [usage] }));
  for (const [path, why] of [
    [join(await temporaryDirectory(t), "missing"), /no such file/],
    [await file(t, ""), /no file in it/],
    [await file(t, "syntax = 'proto3';"), /./],
    [await file(t, descriptorSet().subarray(0, -1)), /./],
    [await file(t, alone), /google\/protobuf\/any.*imported by bot\/usage/],
  ] as const) {
    const flags = { "data-dir": await temporaryDirectory(t), "descriptor-set": path };
    await assert.rejects(startServer(t, flags), ({ message }: Error) => {
      assert.ok(message.startsWith(`json.descriptor_sets: cannot use ${path}: `), message);
      assert.match(message, why);
      assert.ok(!message.includes("\n"));
      return true;
    });
  }
});
