import { decodeBinaryHeader } from "@connectrpc/connect";
import { type ClientIdentity, parseRequestMetadata, type RequestMetadata } from "../operations/operations.ts";

/** Header of a call, and trailer of GetOperation: an encoded RequestMetadata. */
export const REQUEST_METADATA_HEADER = "build.bazel.remote.execution.v2.requestmetadata-bin";

/** Trailer of GetOperation: an encoded ClientIdentity. */
export const CLIENT_IDENTITY_TRAILER = "buildgrid.v2.clientidentity-bin";

const LONGEST_IDENTITY_PART = 1024;

/** What a client says of the build that it calls for; undefined when it says nothing or nothing readable. */
export function requestMetadataOf(headers: Headers): RequestMetadata | undefined {
  const bytes = binaryHeader(headers, REQUEST_METADATA_HEADER);
  return bytes && parseRequestMetadata(bytes);
}

/** The identity that an authenticating proxy states in `x-request-actor`, `-subject` and `-workflow`: all three or none. */
export function identityOf(headers: Headers): ClientIdentity | undefined {
  const [actor, subject, workflow] = ["actor", "subject", "workflow"].map((part) =>
    headers.get(`x-request-${part}`)?.slice(0, LONGEST_IDENTITY_PART),
  );
  return actor && subject && workflow ? { actor, subject, workflow } : undefined;
}

/** A `-bin` header's bytes; undefined when absent, not base64, or when no header can have the name. */
export function binaryHeader(headers: Headers, name: string): Uint8Array | undefined {
  try {
    const value = headers.get(name);
    return value === null ? undefined : decodeBinaryHeader(value);
  } catch {
    return undefined;
  }
}
