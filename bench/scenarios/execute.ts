import { create, toBinary } from "@bufbuild/protobuf";
import {
  ActionSchema,
  BatchUpdateBlobsRequestSchema,
  BatchUpdateBlobsResponseSchema,
  CommandSchema,
  ContentAddressableStorage,
  ExecuteRequestSchema,
  Execution,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { type Digest, digestOf } from "../../src/base/digests.ts";
import { fromDigest } from "../../src/base/wire-digests.ts";
import { echoPaths } from "../echo.ts";
import { startFakeBots } from "../fake-bots.ts";
import { frame } from "../frames.ts";
import { createGrpcClient, type GrpcClient } from "../grpc-client.ts";
import { pathOf, readOne } from "../methods.ts";
import { echoesOf, endless, type Group, instances } from "./group.ts";

const IN_FLIGHT = 64;
const BOTS = 64;
/** So many that an action has ended long before its turn comes again: equal ones in progress would be one job. */
const ACTIONS = 1_000;
const UPLOAD_BATCH = 250;
const path = pathOf(Execution.method.execute);

/** Execute until the stream ends with the result, of distinct actions whose bots have the result at hand. */
export const execute: Group = async ({ servers, giveUp }, cleanup) => {
  const { client } = servers.opgrid;
  const next = endless((await uploadActions(client)).map(executeRequest));
  const connection = cleanup.use(await createGrpcClient(servers.opgrid.url));
  const bots = cleanup.use(startFakeBots(connection, { parent: instances.live, count: BOTS, giveUp }));
  const request = next();
  const stream = echoesOf(servers, echoPaths.download, { request, replies: await client.messages(path, request) });
  const report = echoesOf(servers, echoPaths.unary, await bots.report);
  return [
    {
      title: "Execute to done",
      inFlight: IN_FLIGHT,
      figure: "operations/s",
      operations: {
        opgrid: () => client.call(path, next()),
        http2: () => Promise.all([stream.http2(), report.http2()]),
        "grpc-js": () => Promise.all([stream["grpc-js"](), report["grpc-js"]()]),
      },
    },
  ];
};

/** A framed ExecuteRequest. The cache is passed over, so that an action runs again when its turn comes again. */
export function executeRequest(action: Digest): Buffer {
  const request = create(ExecuteRequestSchema, {
    instanceName: instances.live,
    skipCacheLookup: true,
    actionDigest: fromDigest(action),
  });
  return frame(toBinary(ExecuteRequestSchema, request));
}

/** Puts as many distinct actions into the CAS of `instances.live`, each without any input. */
export async function uploadActions(client: GrpcClient): Promise<Digest[]> {
  const command = toBinary(CommandSchema, create(CommandSchema, { arguments: ["/bin/true"] }));
  const inputRoot = digestOf(new Uint8Array());
  const actions = Array.from({ length: ACTIONS }, (_, index) =>
    toBinary(
      ActionSchema,
      create(ActionSchema, {
        commandDigest: fromDigest(digestOf(command)),
        inputRootDigest: fromDigest(inputRoot),
        salt: Buffer.from(`bench ${index}`),
      }),
    ),
  );
  await uploadBlobs(client, [command, ...actions]);
  return actions.map((action) => digestOf(action));
}

async function uploadBlobs(client: GrpcClient, blobs: readonly Uint8Array[]): Promise<void> {
  for (let from = 0; from < blobs.length; from += UPLOAD_BATCH) {
    const request = create(BatchUpdateBlobsRequestSchema, {
      instanceName: instances.live,
      requests: blobs
        .slice(from, from + UPLOAD_BATCH)
        .map((data) => ({ digest: fromDigest(digestOf(data)), data: Uint8Array.from(data) })),
    });
    const path = pathOf(ContentAddressableStorage.method.batchUpdateBlobs);
    const body = frame(toBinary(BatchUpdateBlobsRequestSchema, request));
    const { responses } = readOne(BatchUpdateBlobsResponseSchema, await client.messages(path, body));
    const refused = responses.find(({ status }) => status && status.code !== 0);
    if (refused) throw new Error(`a blob is refused: ${refused.status?.message}`);
  }
}
