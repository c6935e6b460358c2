import { createRegistry, fromBinary } from "@bufbuild/protobuf";
import { type Client, ConnectError, createClient, decodeBinaryHeader, type Transport } from "@connectrpc/connect";
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

/** What came of all pages of a list. */
export interface Walk {
  readonly count: number;
  /** Of the names with newlines between them, in the order in which they came. */
  readonly sha256: string;
}

/** Calls a method of a peer, as `callPeer("http://127.0.0.1:50051", "gRPC-Web", "get", "main/...")`. */
async function callPeer(
  url: string,
  protocol: BrowserProtocol,
  method: "list" | "get" | "wait" | "cancel" | "tool" | "walk",
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

interface BrowserPeer extends Required<Omit<Peer, "waitsByPolling">> {
  walk(filter: string, pageSize?: number): Promise<Walk>;
}

function browserPeer(transport: Transport): BrowserPeer {
  const client = createClient(Operations, transport);
  return {
    walk: (filter, pageSize = 0) => walk(client, filter, pageSize),
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

async function walk(client: Client<typeof Operations>, filter: string, pageSize: number): Promise<Walk> {
  const names: string[] = [];
  let pageToken = "";
  do {
    const page = await client.listOperations({ name: "main", filter, pageSize, pageToken });
    for (const { name } of page.operations) names.push(name);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(names.join("\n")));
  const sha256 = Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { count: names.length, sha256 };
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
