import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { ContentAddressableStorage } from "../../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { ByteStream } from "../../../gen/google/bytestream/bytestream_pb.ts";
import { Operations } from "../../../gen/google/longrunning/operations_pb.ts";
import { FarmService } from "../../../gen/opgrid/v1/opgrid_pb.ts";

/** Calls the server that the page came from. */
export const transport = createConnectTransport({ baseUrl: location.origin, useBinaryFormat: true, useHttpGet: false });

/** What the dashboard asks beside of what connect-query does: streams, and calls that belong to no component. */
export const farm: Client<typeof FarmService> = createClient(FarmService, transport);
export const operations: Client<typeof Operations> = createClient(Operations, transport);
export const blobs: Client<typeof ContentAddressableStorage> = createClient(ContentAddressableStorage, transport);
export const byteStream: Client<typeof ByteStream> = createClient(ByteStream, transport);
