import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { ByteStream } from "../../../gen/google/bytestream/bytestream_pb.ts";
import { Operations } from "../../../gen/google/longrunning/operations_pb.ts";
import { FarmService } from "../../../gen/opgrid/v1/opgrid_pb.ts";

/** Calls the server that the page came from. */
export const transport = createConnectTransport({ baseUrl: location.origin, useBinaryFormat: true, useHttpGet: false });

/** Watches, and calls of the farm that belong to no component: all else goes through connect-query. */
export const farm: Client<typeof FarmService> = createClient(FarmService, transport);
/** The operations as any client has them. */
export const operations: Client<typeof Operations> = createClient(Operations, transport);
/** Reads blobs. */
export const byteStream: Client<typeof ByteStream> = createClient(ByteStream, transport);
