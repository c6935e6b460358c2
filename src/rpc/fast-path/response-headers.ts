import { contentTypeProto } from "@connectrpc/connect/protocol-grpc";

/**
 * Makes the headers that a response begins with, by what the client says to accept. Connect names the encoding that it
 * would use for messages that are worth it, also when there are none.
 */
export function createResponseHeaders(port: {
  readonly encodings: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
}): (accepted: string | string[] | undefined) => Readonly<Record<string, string>> {
  const plain = { ...port.headers, "content-type": contentTypeProto };
  const encoded = new Map(port.encodings.map((name) => [name, { ...plain, "grpc-encoding": name }]));
  return (accepted) => {
    if (accepted === undefined) return plain;
    const name = String(accepted)
      .split(",")
      .map((each) => each.trim())
      .find((each) => encoded.has(each));
    return (name !== undefined && encoded.get(name)) || plain;
  };
}
