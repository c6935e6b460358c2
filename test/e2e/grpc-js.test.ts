import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Client, credentials, loadPackageDefinition, Metadata, type ServiceError } from "@grpc/grpc-js";
import type { PackageDefinition } from "@grpc/proto-loader";
import { requestMetadataHeader } from "../helpers/e2e-actions.ts";
import type { Peer, PeerOperation } from "../helpers/e2e-peer.ts";
import { exercisePeer } from "../helpers/e2e-peer-suite.ts";
import { findService, messageType, type ReflectionVersion, reflect } from "../helpers/e2e-reflection.ts";
import { startOpgrid } from "../helpers/e2e-server.ts";

const service = "google.longrunning.Operations";
const reapi = "build.bazel.remote.execution.v2";
const symbols = [service, `${reapi}.ExecuteOperationMetadata`, `${reapi}.RequestMetadata`];

interface AnyMessage {
  readonly type_url: string;
  readonly value: Buffer;
}

interface ReflectedOperation {
  readonly name: string;
  readonly done?: boolean;
  readonly metadata: AnyMessage;
  readonly error?: { readonly code: number };
  readonly response?: AnyMessage;
}

for (const version of ["v1", "v1alpha"] as const) {
  const title = `@grpc/grpc-js with descriptors by reflection ${version} lists, gets, waits for and cancels operations`;
  test(title, { timeout: 120_000 }, async (t) => {
    const server = await startOpgrid(t);
    await exercisePeer(t, server.url, await reflectedPeer(t, `127.0.0.1:${server.port}`, version));
  });
}

async function reflectedPeer(t: TestContext, address: string, version: ReflectionVersion): Promise<Peer> {
  const { services, definitions } = await reflect(address, version, symbols);
  for (const name of ["Execution", "ActionCache", "ContentAddressableStorage", "Capabilities"]) {
    assert(services.includes(`${reapi}.${name}`), `reflection does not list ${name}`);
  }
  const OperationsClient = findService(loadPackageDefinition(definitions), service);
  const client = new OperationsClient(address, credentials.createInsecure());
  t.after(() => client.close());
  const stub = new Stub(client, definitions);
  return {
    list: async (filter) => {
      const { reply } = await stub.call<{ operations?: ReflectedOperation[] }>("ListOperations", {
        name: "main",
        filter,
      });
      return (reply.operations ?? []).map((each) => stub.understood(each));
    },
    get: async (name) => stub.understood((await stub.call<ReflectedOperation>("GetOperation", { name })).reply),
    wait: async (name, timeoutMs) => {
      const timeout = timeoutMs === undefined ? undefined : { seconds: 0, nanos: timeoutMs * 1e6 };
      return stub.understood((await stub.call<ReflectedOperation>("WaitOperation", { name, timeout })).reply);
    },
    cancel: (name) => stub.call("CancelOperation", { name }),
    tool: async (name) => {
      const [bytes] = (await stub.call("GetOperation", { name })).trailers.get(requestMetadataHeader);
      const decoded = messageType(definitions, `${reapi}.RequestMetadata`).deserialize(bytes as Buffer);
      const { tool_details: details } = decoded as { tool_details: { tool_name: string; tool_version: string } };
      return { toolName: details.tool_name, toolVersion: details.tool_version };
    },
  };
}

/** Unary calls with promises, and the decoding of Anys, by what was reflected. */
class Stub {
  readonly #client: Client & Record<string, unknown>;
  readonly #definitions: PackageDefinition;

  constructor(client: Client, definitions: PackageDefinition) {
    this.#client = client as Client & Record<string, unknown>;
    this.#definitions = definitions;
  }

  call<Reply>(method: string, request: object): Promise<{ reply: Reply; trailers: Metadata }> {
    type Unary = (
      request: object,
      metadata: Metadata,
      done: (error: ServiceError | null, reply: Reply) => void,
    ) => Client;
    return new Promise((resolve, reject) => {
      let reply: Reply;
      const started = (this.#client[method] as Unary).call(this.#client, request, new Metadata(), (error, value) => {
        if (error) reject(error);
        else reply = value;
      });
      const status = started as unknown as NodeJS.EventEmitter;
      status.on("status", ({ metadata }: { metadata: Metadata }) =>
        setImmediate(() => resolve({ reply, trailers: metadata })),
      );
    });
  }

  understood({ name, done, metadata, error, response }: ReflectedOperation): PeerOperation {
    const decoded = messageType(this.#definitions, `${reapi}.ExecuteOperationMetadata`).deserialize(metadata.value);
    return {
      name,
      done: done ?? false,
      metadataType: metadata.type_url,
      stage: (decoded as { stage: string }).stage,
      responseType: response?.type_url,
      errorCode: error?.code,
    };
  }
}
