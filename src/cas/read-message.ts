import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { type Digest, digestKey } from "../base/digests.ts";
import { Code, invalidArgument, StatusError } from "../base/errors.ts";
import type { Cas } from "./cas.ts";

/**
 * Reads a blob that holds a message, or undefined when it is not here. INVALID_ARGUMENT when it is not such a message or
 * larger than `maxBytes`.
 */
export async function readMessage<D extends DescMessage>(
  cas: Cas,
  desc: D,
  digest: Digest,
  maxBytes: number,
): Promise<MessageShape<D> | undefined> {
  const blob = digestKey(digest);
  if (digest.sizeBytes > maxBytes) {
    const problem = `blob ${blob} is too large for a ${desc.name}: the limit is ${maxBytes} bytes`;
    throw invalidArgument("MESSAGE_TOO_LARGE", problem, { blob });
  }
  const data = await cas.readAll(digest, maxBytes).catch((error: unknown) => {
    if (error instanceof StatusError && error.code === Code.NotFound) return undefined;
    throw error;
  });
  if (!data) return undefined;
  try {
    return fromBinary(desc, data);
  } catch {
    throw invalidArgument("MALFORMED_MESSAGE", `blob ${blob} is not a ${desc.typeName}`, { blob });
  }
}
