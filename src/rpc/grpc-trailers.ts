const ESCAPED_PRINTABLE = /%(?!25)(?:[2-6][0-9A-F]|7[0-9A-E])/g;

/**
 * Escapes in a `grpc-message`, percent-encoded by `encodeURIComponent`, only what gRPC wants escaped: bytes outside of
 * printable ASCII and the percent sign. @grpc/grpc-js among others does not decode the rest and shows users `%3A`.
 */
export function relaxGrpcMessage(encoded: string): string {
  return encoded.replace(ESCAPED_PRINTABLE, decodeURIComponent);
}

/** Trailers as Node sends them, a `grpc-message` in them relaxed. */
export function nodeTrailers(trailer: Headers): Record<string, string> {
  const trailers = Object.fromEntries(trailer);
  const message = trailers["grpc-message"];
  if (message !== undefined) trailers["grpc-message"] = relaxGrpcMessage(message);
  return trailers;
}
