import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import {
  DigestSchema,
  ExecutedActionMetadataSchema,
  ExecuteOperationMetadataSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import type { OperationRecord } from "./record.ts";

const { stage, actionDigest, partialExecutionMetadata, digestFunction } = ExecuteOperationMetadataSchema.field;
const { hash, sizeBytes } = DigestSchema.field;
const { queuedTimestamp } = ExecutedActionMetadataSchema.field;
const { seconds, nanos } = TimestampSchema.field;

/** One for all, as most of the cost of an encoding is the growing of its writer's memory. */
const writer = new BinaryWriter();

/**
 * Encodes an ExecuteOperationMetadata of which no worker has said anything, as protobuf itself would and three times as
 * fast: long lists consist of them. Undefined for numbers beyond 32 bits, which those of a farm are not.
 */
export function encodeWaitingMetadata(record: OperationRecord): Uint8Array | undefined {
  const { action, queuedAt } = record.job;
  const queuedSeconds = Math.floor(queuedAt / 1000);
  if (!isUint32(queuedSeconds) || !isUint32(action.sizeBytes)) return undefined;
  number(stage.number, record.stage);
  writer.tag(actionDigest.number, WireType.LengthDelimited).fork();
  writer.tag(hash.number, WireType.LengthDelimited).string(action.hash);
  number(sizeBytes.number, action.sizeBytes);
  writer.join();
  writer.tag(partialExecutionMetadata.number, WireType.LengthDelimited).fork();
  writer.tag(queuedTimestamp.number, WireType.LengthDelimited).fork();
  number(seconds.number, queuedSeconds);
  number(nanos.number, (queuedAt - queuedSeconds * 1000) * 1e6);
  writer.join().join();
  number(digestFunction.number, action.fn.wireValue);
  return writer.finish();
}

/** Numbers that are 0 are left out. */
function number(field: number, value: number): void {
  if (value !== 0) writer.tag(field, WireType.Varint).uint32(value);
}

function isUint32(value: number): boolean {
  return value >>> 0 === value;
}
