import { ExecutionStage_ValueSchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";

/** What a foreign client understood of an operation. */
export interface PeerOperation {
  readonly name: string;
  readonly done: boolean;
  /** The type URL of the metadata. */
  readonly metadataType: string;
  /** The name of the stage, decoded from the metadata. */
  readonly stage: string;
  /** The type URL of the response, if there is one. */
  readonly responseType?: string | undefined;
  /** The code of the error, if there is one. */
  readonly errorCode?: number | undefined;
}

/** A foreign client of the Operations service. Refusals reject with an error whose `code` is the number of the gRPC code. */
export interface Peer {
  list(filter: string): Promise<readonly PeerOperation[]>;
  get(name: string): Promise<PeerOperation>;
  /** Returns when the operation is done; or after `timeoutMs`, for clients that can say so. */
  wait(name: string, timeoutMs?: number): Promise<PeerOperation>;
  cancel(name: string): Promise<unknown>;
  /** The tool of the RequestMetadata in the trailers of GetOperation, for clients that can read trailers. */
  tool?(name: string): Promise<{ toolName: string; toolVersion: string }>;
  /** Clients without the WaitOperation method wait by polling. */
  readonly waitsByPolling?: boolean;
}

/** The name of a stage by its number. */
export function stageName(value: number): string {
  return ExecutionStage_ValueSchema.values.find(({ number }) => number === value)?.name ?? `stage ${value}`;
}
