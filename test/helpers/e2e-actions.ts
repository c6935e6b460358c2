import assert from "node:assert/strict";
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { AnySchema, anyUnpack } from "@bufbuild/protobuf/wkt";
import { type Client, createClient, encodeBinaryHeader } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import {
  ActionSchema,
  CommandSchema,
  ContentAddressableStorage,
  type Digest,
  DirectorySchema,
  ExecuteOperationMetadataSchema,
  Execution,
  RequestMetadataSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { type Operation, Operations } from "../../gen/google/longrunning/operations_pb.ts";
import { FarmService } from "../../gen/opgrid/v1/opgrid_pb.ts";
import { digestOf } from "../../src/base/digests.ts";

/** The header that carries RequestMetadata, and the trailer that gives it back. */
export const requestMetadataHeader = "build.bazel.remote.execution.v2.requestmetadata-bin";

/** The tool that `submit` says it is. */
export const submitter = { toolName: "opgrid-e2e", toolVersion: "1.2.3" } as const;

/** The tool that serialized RequestMetadata names, to compare with `submitter`. */
export function toolOf(requestMetadata: Uint8Array): { toolName: string; toolVersion: string } {
  const { toolDetails } = fromBinary(RequestMetadataSchema, requestMetadata);
  return { toolName: toolDetails?.toolName ?? "", toolVersion: toolDetails?.toolVersion ?? "" };
}

/** Plain gRPC clients on one connection, to prepare and to check what other clients see. */
export interface Clients extends Disposable {
  readonly operations: Client<typeof Operations>;
  readonly execution: Client<typeof Execution>;
  readonly cas: Client<typeof ContentAddressableStorage>;
  readonly farm: Client<typeof FarmService>;
}

/** Connects to a server; dispose to end the connection. */
export function connect(url: string): Clients {
  const sessionManager = new Http2SessionManager(url);
  const transport = createGrpcTransport({ baseUrl: url, sessionManager });
  return {
    operations: createClient(Operations, transport),
    execution: createClient(Execution, transport),
    cas: createClient(ContentAddressableStorage, transport),
    farm: createClient(FarmService, transport),
    [Symbol.dispose]: () => sessionManager.abort(),
  };
}

/** An action that was submitted. Its stream stays open in the background, so the work is not an orphan. */
export interface Submitted {
  /** The operation's name. */
  readonly name: string;
  /** The last message of the stream. */
  readonly done: Promise<Operation>;
  readonly actionDigest: Digest;
}

/** An action to be executed; by default with no inputs, outputs or requirements, never cached, in the instance `main`. */
export interface WantedAction {
  readonly argv: readonly string[];
  /** Files of the input root by name, which has no slash. */
  readonly inputs?: Readonly<Record<string, Uint8Array | string>>;
  readonly outputPaths?: readonly string[];
  readonly platform?: readonly { readonly name: string; readonly value: string }[];
  /** Lets the action be cached and merged with its like, of which there is one for each salt. */
  readonly salt?: string;
  readonly timeoutSeconds?: number;
  readonly instanceName?: string;
  /** What the client tells of the call, beside its tool. */
  readonly metadata?: Omit<MessageInitShape<typeof RequestMetadataSchema>, "$typeName">;
}

/**
 * Executes a command, with no inputs and an environment of PATH only, in the instance `main`. The action is not cached
 * and never merged with another. Resolves when the server has given it a name.
 */
export function submit(clients: Clients, ...argv: string[]): Promise<Submitted> {
  return submitAction(clients, { argv });
}

/** Executes an action with an environment of PATH only. Resolves when the server has given it a name. */
export async function submitAction({ cas, execution }: Clients, wanted: WantedAction): Promise<Submitted> {
  const { argv, inputs = {}, outputPaths = [], platform = [], salt, timeoutSeconds, instanceName = "main" } = wanted;
  const environmentVariables = [{ name: "PATH", value: "/usr/bin:/bin" }];
  const command = encode(CommandSchema, { arguments: [...argv], environmentVariables, outputPaths: [...outputPaths] });
  const files = Object.entries(inputs).map(([name, content]) => ({ name, blob: blobOf(Buffer.from(content)) }));
  const root = encode(DirectorySchema, { files: files.map(({ name, blob }) => ({ name, digest: blob.digest })) });
  const action = encode(ActionSchema, {
    ...{ commandDigest: command.digest, inputRootDigest: root.digest, platform: { properties: [...platform] } },
    ...(salt === undefined ? { doNotCache: true } : { salt: Buffer.from(salt) }),
    ...(timeoutSeconds !== undefined && { timeout: { seconds: BigInt(timeoutSeconds) } }),
  });
  const requests = [command, root, action, ...files.map(({ blob }) => blob)];
  const { responses } = await cas.batchUpdateBlobs({ instanceName, requests });
  const refused = responses.filter(({ status }) => (status?.code ?? 0) !== 0);
  assert.deepEqual(refused, []);

  const metadata = create(RequestMetadataSchema, {
    toolDetails: submitter,
    toolInvocationId: "an-invocation",
    actionMnemonic: "Mnemonic",
    ...wanted.metadata,
  });
  const headers = { [requestMetadataHeader]: encodeBinaryHeader(metadata, RequestMetadataSchema) };
  return follow(execution.execute({ instanceName, actionDigest: action.digest }, { headers }));
}

async function follow(stream: AsyncIterable<Operation>): Promise<Submitted> {
  const messages = stream[Symbol.asyncIterator]();
  const first = await messages.next();
  assert(!first.done, "the Execute stream ended without a message");
  const drain = async () => {
    let last: Operation = first.value;
    for (let next = await messages.next(); !next.done; next = await messages.next()) last = next.value;
    return last;
  };
  const done = drain();
  done.catch(() => undefined); // Whoever cares awaits it; the others end with the connection.
  const { actionDigest } = anyUnpack(first.value.metadata ?? create(AnySchema), ExecuteOperationMetadataSchema) ?? {};
  assert(actionDigest, "the operation does not tell its action");
  return { name: first.value.name, done, actionDigest };
}

interface Blob {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly digest: Pick<Digest, "hash"> & { readonly sizeBytes: bigint };
}

function encode<Desc extends DescMessage>(schema: Desc, fields: MessageInitShape<Desc>): Blob {
  return blobOf(toBinary(schema, create(schema, fields)));
}

function blobOf(content: Uint8Array): Blob {
  const data = new Uint8Array(content);
  const { hash, sizeBytes } = digestOf(data);
  return { data, digest: { hash, sizeBytes: BigInt(sizeBytes) } };
}
