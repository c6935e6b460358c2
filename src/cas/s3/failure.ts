/** What S3, or the way to it, said. */
export interface S3Failure {
  /** The HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;
  /** As `NoSuchBucket` or `ECONNREFUSED`. */
  readonly code: string;
  readonly message: string;
}

/** Reads an error of the SDK, or one of the connection below. */
export function failureOf(error: unknown): S3Failure {
  if (!(error instanceof Error)) return { status: undefined, code: "Unknown", message: String(error) };
  const { $metadata, code } = error as { $metadata?: { httpStatusCode?: number }; code?: unknown };
  // The answer to a HEAD has no body that could tell more than its status.
  const name = error.name === "Error" || error.name === "Unknown" ? code : error.name;
  return {
    status: $metadata?.httpStatusCode,
    code: typeof name === "string" ? name : "Unknown",
    message: error.message === "UnknownError" ? "" : error.message,
  };
}

/** True when what was asked for is not there. A missing bucket is an error. */
export function isMissing(error: unknown): boolean {
  const { status, code } = failureOf(error);
  return status === 404 && code !== "NoSuchBucket" && code !== "NoSuchUpload";
}
