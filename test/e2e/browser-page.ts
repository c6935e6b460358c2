import { createRegistry, fromBinary } from "@bufbuild/protobuf";
import { ConnectError, createClient, decodeBinaryHeader, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import {
  ExecuteOperationMetadataSchema,
  RequestMetadataSchema,
  file_build_bazel_remote_execution_v2_remote_execution as remoteExecution,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { type Operation, Operations } from "../../gen/google/longrunning/operations_pb.ts";
import { type Peer, type PeerOperation, stageName } from "../helpers/e2e-peer.ts";

const requestMetadataTrailer = "build.bazel.remote.execution.v2.requestmetadata-bin";

// What JSON needs to know to read an Any.
const jsonOptions = { registry: createRegistry(remoteExecution) };

const transports = {
  "gRPC-Web": (baseUrl: string) => createGrpcWebTransport({ baseUrl }),
  "Connect JSON": (baseUrl: string) => createConnectTransport({ baseUrl, jsonOptions }),
  "Connect binary": (baseUrl: string) => createConnectTransport({ baseUrl, useBinaryFormat: true }),
  "Connect GET": (baseUrl: string) => createConnectTransport({ baseUrl, jsonOptions, useHttpGet: true }),
};

/** The protocols that the page can speak. */
export type BrowserProtocol = keyof typeof transports;

/** What the page answers: the result of a peer's method, or the code of the refusal. */
export type BrowserAnswer = { readonly result: unknown } | { readonly code: number; readonly message: string };

/** Calls a method of a peer, as `callPeer("http://127.0.0.1:50051", "gRPC-Web", "get", "main/...")`. */
async function callPeer(
  url: string,
  protocol: BrowserProtocol,
  method: "list" | "get" | "wait" | "cancel" | "tool",
  ...args: [string, number?]
): Promise<BrowserAnswer> {
  try {
    return { result: await browserPeer(transports[protocol](url))[method](...args) };
  } catch (error) {
    const { code, message } = ConnectError.from(error);
    return { code, message };
  }
}

Object.assign(globalThis, { callPeer });

function browserPeer(transport: Transport): Required<Omit<Peer, "waitsByPolling">> {
  const client = createClient(Operations, transport);
  return {
    list: async (filter) => (await client.listOperations({ name: "main", filter })).operations.map(understood),
    get: async (name) => understood(await client.getOperation({ name })),
    wait: async (name, timeoutMs) =>
      understood(
        await client.waitOperation({
          name,
          ...(timeoutMs !== undefined && { timeout: { seconds: 0n, nanos: timeoutMs * 1e6 } }),
        }),
      ),
    cancel: async (name) => void (await client.cancelOperation({ name })),
    tool: async (name) => {
      let trailers = new Headers();
      const onTrailer = (received: Headers) => {
        trailers = received;
      };
      await client.getOperation({ name }, { onTrailer });
      const { toolDetails } = decodeBinaryHeader(trailers.get(requestMetadataTrailer) ?? "", RequestMetadataSchema);
      return { toolName: toolDetails?.toolName ?? "", toolVersion: toolDetails?.toolVersion ?? "" };
    },
  };
}

function understood({ name, done, metadata, result }: Operation): PeerOperation {
  return {
    name,
    done,
    metadataType: metadata?.typeUrl ?? "",
    stage: stageName(fromBinary(ExecuteOperationMetadataSchema, metadata?.value ?? new Uint8Array()).stage),
    ...(result.case === "response" && { responseType: result.value.typeUrl }),
    ...(result.case === "error" && { errorCode: result.value.code }),
  };
}
