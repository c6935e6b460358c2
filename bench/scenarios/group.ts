import { type echoPaths, echoRequest } from "../echo.ts";
import { PREFIX_BYTES } from "../frames.ts";
import type { Scenario } from "../measure.ts";
import type { Seeded } from "../seed.ts";
import type { BenchServers } from "../servers.ts";

/**
 * The instances of operations that are there before the start, to be read and to be cancelled, and the one in which the rest
 * is done.
 */
export const instances = { seeded: "seeded", cancelled: "cancelled", live: "live" } as const;

/** What scenarios work with. */
export interface Bench {
  readonly servers: BenchServers;
  readonly seeded: Seeded;
  /** Names of queued operations for the scenario that cancels them. */
  readonly cancellable: readonly string[];
  /** Ends the bench with an error, from wherever one is noticed. */
  readonly giveUp: (error: unknown) => void;
}

/** Prepares the scenarios of one name of `--only`; what it starts it hands to `cleanup`. */
export type Group = (bench: Bench, cleanup: AsyncDisposableStack) => Promise<Scenario[]>;

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
