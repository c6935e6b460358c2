import assert from "node:assert/strict";
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Client, createClient, encodeBinaryHeader } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import {
  ActionSchema,
  CommandSchema,
  ContentAddressableStorage,
  type Digest,
  DirectorySchema,
  Execution,
  RequestMetadataSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { type Operation, Operations } from "../../gen/google/longrunning/operations_pb.ts";
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
}

/** Connects to a server; dispose to end the connection. */
export function connect(url: string): Clients {
  const sessionManager = new Http2SessionManager(url);
  const transport = createGrpcTransport({ baseUrl: url, sessionManager });
  return {
    operations: createClient(Operations, transport),
    execution: createClient(Execution, transport),
    cas: createClient(ContentAddressableStorage, transport),
    [Symbol.dispose]: () => sessionManager.abort(),
  };
}

/** An action that was submitted. Its stream stays open in the background, so the work is not an orphan. */
export interface Submitted {
  /** The operation's name. */
  readonly name: string;
  /** The last message of the stream. */
  readonly done: Promise<Operation>;
}

/**
 * Executes a command, with no inputs and an environment of PATH only, in the instance `main`. The action is not cached
 * and never merged with another. Resolves when the server has given it a name.
 */
export async function submit({ cas, execution }: Clients, ...argv: string[]): Promise<Submitted> {
  const environmentVariables = [{ name: "PATH", value: "/usr/bin:/bin" }];
  const command = encode(CommandSchema, { arguments: argv, environmentVariables });
  const root = encode(DirectorySchema, {});
  const actionFields = { commandDigest: command.digest, inputRootDigest: root.digest, doNotCache: true };
  const action = encode(ActionSchema, actionFields);
  const { responses } = await cas.batchUpdateBlobs({ instanceName: "main", requests: [command, root, action] });
  assert.deepEqual(
    responses.map(({ status }) => status?.code ?? 0),
    [0, 0, 0],
  );

  const metadata = create(RequestMetadataSchema, {
    toolDetails: submitter,
    toolInvocationId: "an-invocation",
    actionMnemonic: "Mnemonic",
  });
  const headers = { [requestMetadataHeader]: encodeBinaryHeader(metadata, RequestMetadataSchema) };
  const stream = execution.execute({ instanceName: "main", actionDigest: action.digest }, { headers });
  return follow(stream);
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
  return { name: first.value.name, done };
}

function encode<Desc extends DescMessage>(
  schema: Desc,
  fields: MessageInitShape<Desc>,
): { data: Uint8Array<ArrayBuffer>; digest: Pick<Digest, "hash"> & { sizeBytes: bigint } } {
  const data = new Uint8Array(toBinary(schema, create(schema, fields)));
  const { hash, sizeBytes } = digestOf(data);
  return { data, digest: { hash, sizeBytes: BigInt(sizeBytes) } };
}
