import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { type Client, ConnectError } from "@connectrpc/connect";
import {
  ActionCache,
  type ActionSchema,
  Capabilities,
  CommandSchema,
  ContentAddressableStorage,
  type Digest,
  DirectorySchema,
  type ExecuteOperationMetadata,
  ExecuteOperationMetadataSchema,
  type ExecuteRequestSchema,
  type ExecuteResponse,
  ExecuteResponseSchema,
  Execution,
  ActionSchema as WireActionSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { ByteStream } from "../../gen/google/bytestream/bytestream_pb.ts";
import { Bots } from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import { type Operation, Operations } from "../../gen/google/longrunning/operations_pb.ts";
import type { Clock } from "../../src/base/clock.ts";
import { digestOf } from "../../src/base/digests.ts";
import type { Logger } from "../../src/base/log.ts";
import { startServer, type TestServer } from "../helpers/start-server.ts";

/** A digest as messages carry it. */
export type WireDigest = Pick<Digest, "hash" | "sizeBytes">;

/** A server, its clients, and short words for what tests do again and again. */
export interface Grid extends TestServer {
  readonly operations: Client<typeof Operations>;
  readonly execution: Client<typeof Execution>;
  readonly cas: Client<typeof ContentAddressableStorage>;
  readonly actionCache: Client<typeof ActionCache>;
  readonly byteStream: Client<typeof ByteStream>;
  readonly capabilities: Client<typeof Capabilities>;
  readonly bots: Client<typeof Bots>;
  /** What the server logged as a warning or an error. */
  readonly complaints: readonly { readonly fields: object; readonly message: string }[];
  /** Stores blobs. */
  put(instanceName: string, ...blobs: Uint8Array[]): Promise<void>;
  /** Stores a command, an empty input root and an action for them. Unlike all others unless `argv` says otherwise. */
  action(wish?: ActionWish): Promise<WireDigest>;
  /** Executes; resolves when the operation has its name. The stream is read on in the background. */
  execute(request: MessageInitShape<typeof ExecuteRequestSchema>, headers?: Record<string, string>): Promise<Watched>;
}

/** What an action is to be like. */
export interface ActionWish {
  readonly instanceName?: string;
  readonly argv?: string[];
  readonly action?: Omit<MessageInitShape<typeof ActionSchema>, "$typeName">;
  readonly command?: Omit<MessageInitShape<typeof CommandSchema>, "$typeName">;
}

/** A stream of operations that is being read. */
export interface Watched {
  readonly name: string;
  readonly id: string;
  /** All messages so far. */
  readonly messages: readonly Operation[];
  /** The stages so far, repetitions left out. */
  stages(): number[];
  /** The last message, when the stream has ended; rejects when it ended with an error. */
  readonly ended: Promise<Operation>;
  /** Hangs up. */
  drop(): void;
}

/** Starts a server of the one instance `main`; an error in its log, but for those that `expected` matches, fails the test. */
export async function startGrid(
  t: TestContext,
  flags: Record<string, string> = {},
  options: { expected?: RegExp; clock?: Clock } = {},
): Promise<Grid> {
  const log = complaintsLog();
  const server = await startServer(t, { instances: "main", ...flags }, log, options.clock);
  t.after(() => {
    const unexpected = log.complaints.filter(({ message }) => !options.expected?.test(message));
    assert.deepEqual(unexpected, [], "the server logs no fault of its own");
  });
  const cas = server.client(ContentAddressableStorage);
  const execution = server.client(Execution);

  async function put(instanceName: string, ...blobs: Uint8Array[]) {
    const requests = blobs.map((data) => ({ digest: wireDigest(data), data: new Uint8Array(data) }));
    const { responses } = await cas.batchUpdateBlobs({ instanceName, requests });
    assert.deepEqual(
      responses.map(({ status }) => status?.code),
      blobs.map(() => 0),
    );
  }

  return {
    ...server,
    operations: server.client(Operations),
    execution,
    cas,
    actionCache: server.client(ActionCache),
    byteStream: server.client(ByteStream),
    capabilities: server.client(Capabilities),
    bots: server.client(Bots),
    complaints: log.complaints,
    put,
    action: async ({ instanceName = "main", ...wish } = {}) => {
      const { digest, blobs } = encodeAction(wish);
      await put(instanceName, ...blobs);
      return digest;
    },
    execute: (request, headers = {}) => {
      const hangUp = new AbortController();
      return watched(execution.execute(request, { signal: hangUp.signal, headers }), hangUp);
    },
  };
}

/** An action without inputs, and the blobs that make it. */
export function encodeAction({ argv = ["run", uniqueText()], action = {}, command = {} }: ActionWish = {}) {
  const commandBlob = encode(CommandSchema, { arguments: argv, ...command });
  const root = encode(DirectorySchema, {});
  const actionBlob = encode(WireActionSchema, {
    commandDigest: wireDigest(commandBlob),
    inputRootDigest: wireDigest(root),
    ...action,
  });
  return { digest: wireDigest(actionBlob), blobs: [commandBlob, root, actionBlob] };
}

/** Reads a stream of operations in the background. */
export async function watched(stream: AsyncIterable<Operation>, hangUp = new AbortController()): Promise<Watched> {
  const messages: Operation[] = [];
  const first = Promise.withResolvers<Operation>();
  const read = async () => {
    for await (const message of stream) {
      messages.push(message);
      first.resolve(message);
    }
    const last = messages.at(-1);
    if (!last) throw new Error("the stream ended without a message");
    return last;
  };
  const ended = read();
  ended.catch(first.reject);
  const { name } = await first.promise;
  return {
    name,
    id: name.slice(name.lastIndexOf("/") + 1),
    messages,
    stages: () => messages.map((each) => metadataOf(each).stage).filter((stage, at, all) => stage !== all[at - 1]),
    ended,
    drop: () => hangUp.abort(),
  };
}

function complaintsLog(): Logger & { complaints: { fields: object; message: string }[] } {
  const complaints: { fields: object; message: string }[] = [];
  const complain = (fields: object, message: string) => void complaints.push({ fields, message });
  return { complaints, debug: () => {}, info: () => {}, warn: complain, error: complain };
}

/** A directory that outlives a server, but not the test. */
export async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "opgrid-grid-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Takes a blob from the disk, behind the back of the server of `main`. */
export async function removeBlob(dataDir: string, hash: string): Promise<void> {
  const directory = join(dataDir, "instances", "main", "cas", "blobs", "sha256", hash.slice(0, 2));
  for (const name of await readdir(directory)) if (name.startsWith(hash)) await unlink(join(directory, name));
}

let texts = 0;

/** A text that no other call of this process has answered. */
export function uniqueText(): string {
  return `${process.pid}-${texts++}`;
}

/** Encodes a message. */
export function encode<D extends DescMessage>(schema: D, fields: MessageInitShape<D>): Uint8Array {
  return toBinary(schema, create(schema, fields));
}

/** The digest of bytes. */
export function wireDigest(data: Uint8Array | string): WireDigest {
  const { hash, sizeBytes } = digestOf(typeof data === "string" ? Buffer.from(data) : data);
  return { hash, sizeBytes: BigInt(sizeBytes) };
}

/** `blobs/<hash>/<size>` */
export function blobName({ hash, sizeBytes }: WireDigest): string {
  return `blobs/${hash}/${sizeBytes}`;
}

/** The metadata of an operation. */
export function metadataOf(operation: Operation): ExecuteOperationMetadata {
  const metadata = operation.metadata && anyUnpack(operation.metadata, ExecuteOperationMetadataSchema);
  assert.ok(metadata, "the metadata is an ExecuteOperationMetadata");
  return metadata;
}

/** The ExecuteResponse of an operation that is done and has no error. */
export function responseOf(operation: Operation): ExecuteResponse {
  assert.equal(operation.done, true);
  assert.equal(operation.result.case, "response");
  const response = operation.result.case === "response" && anyUnpack(operation.result.value, ExecuteResponseSchema);
  assert.ok(response, "the response is an ExecuteResponse");
  return response;
}

/** The error that a call or a stream ends with. */
export async function failure(call: Promise<unknown> | AsyncIterable<unknown>): Promise<ConnectError> {
  try {
    if (Symbol.asyncIterator in call) for await (const _ of call);
    else await call;
  } catch (error) {
    return ConnectError.from(error);
  }
  return assert.fail("the call succeeded");
}

/** Fails unless the call ends with this code; answers the first detail of a type. */
export async function refusal(call: Promise<unknown> | AsyncIterable<unknown>, code: number): Promise<ConnectError> {
  const error = await failure(call);
  assert.equal(error.code, code, error.message);
  return error;
}
