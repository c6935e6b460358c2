/** What one client may take of the server. */
export interface ServerLimits {
  /** Largest request message, after decompression. Above it the call ends with RESOURCE_EXHAUSTED. */
  readonly maxMessageBytes: number;
  /** Streams, which are calls, in progress on one HTTP/2 connection. */
  readonly maxConcurrentStreams: number;
  /** Connections in all; further ones are closed at once. */
  readonly maxConnections: number;
  /** From the connection to its first bytes. */
  readonly firstByteTimeoutMs: number;
  /** To complete the TLS handshake, the HTTP/2 preface, the header of an HTTP/1.1 request. */
  readonly headersTimeoutMs: number;
}
