import { type DescMessage, type DescMethod, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { type echoPaths, echoRequest } from "../echo.ts";
import { PREFIX_BYTES } from "../frames.ts";
import type { Scenario } from "../measure.ts";
import type { Seeded } from "../seed.ts";
import type { BenchServers } from "../servers.ts";

/** The instance of the operations that were there before the start, and the one in which things are done. */
export const instances = { seeded: "seeded", live: "live" } as const;

/** What scenarios work with. */
export interface Bench {
  readonly servers: BenchServers;
  readonly seeded: Seeded;
  /** Ends the bench with an error, from wherever one is noticed. */
  readonly giveUp: (error: unknown) => void;
}

/** Prepares the scenarios of one name of `--only`; what it starts it hands to `cleanup`. */
export type Group = (bench: Bench, cleanup: AsyncDisposableStack) => Promise<Scenario[]>;

/** The path of a method on the wire. */
export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** Reads the answer of a unary call. */
export function readOne<D extends DescMessage>(schema: D, messages: readonly Uint8Array[]): MessageShape<D> {
  const [message] = messages;
  if (message && messages.length === 1) return fromBinary(schema, message);
  throw new Error(`one ${schema.typeName} was expected, ${messages.length} messages came`);
}

/** Goes round and round. */
export function endless<T>(values: readonly T[]): () => T {
  let next = 0;
  return () => {
    const value = values[next++ % values.length];
    if (value === undefined) throw new Error("nothing to choose from");
    return value;
  };
}

/** Calls of both echoes that carry as many bytes as a call of opgrid with this framed request and these answers. */
export function echoesOf(
  { http2, "grpc-js": grpcJs }: BenchServers,
  path: (typeof echoPaths)["unary" | "download"],
  call: { request: Buffer; replies: readonly Uint8Array[] },
): Pick<Scenario["operations"], "http2" | "grpc-js"> {
  const replyBytes = call.replies.map((reply) => reply.byteLength);
  const request = echoRequest(call.request.byteLength - PREFIX_BYTES, replyBytes);
  return {
    http2: () => http2.client.call(path, request),
    "grpc-js": () => grpcJs.client.call(path, request),
  };
}
