import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { RequestMetadataSchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { ClientIdentitySchema } from "../../gen/build/buildgrid/identity_pb.ts";
import type { OperationRecord, RequestMetadata } from "./record.ts";

const LONGEST_FIELD_BYTES = 1024;
const CONTROL = /\p{Cc}/gu;

/**
 * Reads an encoded RequestMetadata that came with a call. Fields are cut to 1 KiB of UTF-8, control characters become
 * spaces. Undefined when it is malformed or says nothing: metadata never makes a call fail.
 */
export function parseRequestMetadata(bytes: Uint8Array): RequestMetadata | undefined {
  try {
    const message = fromBinary(RequestMetadataSchema, bytes);
    const metadata: RequestMetadata = {
      toolName: clean(message.toolDetails?.toolName ?? ""),
      toolVersion: clean(message.toolDetails?.toolVersion ?? ""),
      actionId: clean(message.actionId),
      invocationId: clean(message.toolInvocationId),
      correlatedInvocationsId: clean(message.correlatedInvocationsId),
      actionMnemonic: clean(message.actionMnemonic),
      targetId: clean(message.targetId),
      configurationId: clean(message.configurationId),
    };
    return Object.values(metadata).some((field) => field !== "") ? metadata : undefined;
  } catch {
    return undefined;
  }
}

/** The encoded RequestMetadata that the operation was created with, or undefined when there was none. */
export function requestMetadataBytes(record: OperationRecord): Uint8Array | undefined {
  const metadata = record.requestMetadata;
  if (!metadata) return undefined;
  const { toolName, toolVersion, invocationId: toolInvocationId, ...same } = metadata;
  const message = create(RequestMetadataSchema, { ...same, toolInvocationId, toolDetails: { toolName, toolVersion } });
  return toBinary(RequestMetadataSchema, message);
}

/** The encoded ClientIdentity of who created the operation, or undefined when that is not known. */
export function clientIdentityBytes(record: OperationRecord): Uint8Array | undefined {
  if (!record.identity) return undefined;
  const { actor, subject, workflow } = record.identity;
  return toBinary(ClientIdentitySchema, create(ClientIdentitySchema, { actor, subject, workflow }));
}

function clean(field: string): string {
  const text = field.replace(CONTROL, " ");
  const bytes = Buffer.from(text);
  if (bytes.length <= LONGEST_FIELD_BYTES) return text;
  let end = LONGEST_FIELD_BYTES;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end);
}
