import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  RequestMetadataSchema,
  type RequestMetadata as WireRequestMetadata,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import {
  ClientIdentitySchema,
  type ClientIdentity as WireClientIdentity,
} from "../../gen/build/buildgrid/identity_pb.ts";
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

/** The RequestMetadata that the operation was created with, or undefined when there was none. */
export function requestMetadataOf({
  requestMetadata,
}: Pick<OperationRecord, "requestMetadata">): WireRequestMetadata | undefined {
  if (!requestMetadata) return undefined;
  const { toolName, toolVersion, invocationId: toolInvocationId, ...same } = requestMetadata;
  return create(RequestMetadataSchema, { ...same, toolInvocationId, toolDetails: { toolName, toolVersion } });
}

/** The ClientIdentity of who created the operation, or undefined when that is not known. */
export function clientIdentityOf({ identity }: Pick<OperationRecord, "identity">): WireClientIdentity | undefined {
  if (!identity) return undefined;
  const { actor, subject, workflow } = identity;
  return create(ClientIdentitySchema, { actor, subject, workflow });
}

/** What `requestMetadataOf` says, encoded. */
export function requestMetadataBytes(record: OperationRecord): Uint8Array | undefined {
  const message = requestMetadataOf(record);
  return message && toBinary(RequestMetadataSchema, message);
}

/** What `clientIdentityOf` says, encoded. */
export function clientIdentityBytes(record: OperationRecord): Uint8Array | undefined {
  const message = clientIdentityOf(record);
  return message && toBinary(ClientIdentitySchema, message);
}

function clean(field: string): string {
  const text = field.replace(CONTROL, " ");
  const bytes = Buffer.from(text);
  if (bytes.length <= LONGEST_FIELD_BYTES) return text;
  let end = LONGEST_FIELD_BYTES;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end);
}
