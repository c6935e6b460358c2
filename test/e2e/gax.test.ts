import assert from "node:assert/strict";
import { test } from "node:test";
import { type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { createDefaultBackoffSettings, LongrunningDescriptor, operation, type protobuf } from "google-gax";
import {
  ExecuteOperationMetadataSchema,
  ExecuteResponseSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { connect, submit } from "../helpers/e2e-actions.ts";
import { type OperationsClient, openGax, request } from "../helpers/e2e-gax.ts";
import { type Peer, type PeerOperation, stageName } from "../helpers/e2e-peer.ts";
import { exercisePeer } from "../helpers/e2e-peer-suite.ts";
import { eventually, sleepers, uniqueSeconds } from "../helpers/e2e-processes.ts";
import { startOpgrid } from "../helpers/e2e-server.ts";

type LroOperation = Awaited<ReturnType<OperationsClient["getOperation"]>>[0];

test("google-gax's OperationsClient lists, gets, polls and cancels operations", { timeout: 120_000 }, async (t) => {
  const server = await startOpgrid(t);
  await exercisePeer(t, server.url, gaxPeer(openGax(t, server.port)));
});

test("google-gax's promise of an operation rejects with CANCELLED", { timeout: 120_000 }, async (t) => {
  const server = await startOpgrid(t);
  using clients = connect(server.url);
  const client = openGax(t, server.port);
  const seconds = uniqueSeconds();
  const { name } = await submit(clients, "sleep", seconds);
  await eventually("the action runs", 20_000, () => sleepers(seconds).length > 0);

  const handle = await resume(client, name);
  const cancelled = assert.rejects(handle.promise(), { code: 1 });
  await handle.cancel();
  await cancelled;
});

function gaxPeer(client: OperationsClient): Peer {
  return {
    waitsByPolling: true,
    list: async (filter) => {
      const [operations] = (await client.listOperations(request({ name: "main", filter }))) as unknown as [
        LroOperation[],
      ];
      return operations.map(understood);
    },
    get: async (name) => understood((await client.getOperation(request({ name })))[0]),
    wait: async (name) => {
      const [response, , raw] = (await (await resume(client, name)).promise()) as [unknown, unknown, LroOperation];
      assert.partialDeepStrictEqual(response, { $typeName: "build.bazel.remote.execution.v2.ExecuteResponse" });
      return understood(raw);
    },
    cancel: (name) => client.cancelOperation(request({ name })),
  };
}

/** What generated clients do in their `check...Progress(name)` methods. */
async function resume(client: OperationsClient, name: string): Promise<ReturnType<typeof operation>> {
  const [latest] = await client.getOperation(request({ name }));
  const decoders = [decoder(ExecuteResponseSchema), decoder(ExecuteOperationMetadataSchema)] as const;
  return operation(latest, new LongrunningDescriptor(client, ...decoders), createDefaultBackoffSettings());
}

function decoder(schema: DescMessage): (bytes: Uint8Array | protobuf.Reader) => protobuf.Message {
  return (bytes) => fromBinary(schema, bytes as Uint8Array) as unknown as protobuf.Message;
}

function understood({ name, done, metadata, error, response }: LroOperation): PeerOperation {
  assert(metadata?.value instanceof Uint8Array);
  return {
    name,
    done,
    metadataType: metadata.type_url ?? "",
    stage: stageName(fromBinary(ExecuteOperationMetadataSchema, metadata.value).stage),
    responseType: response?.type_url ?? undefined,
    errorCode: error?.code ?? undefined,
  };
}
