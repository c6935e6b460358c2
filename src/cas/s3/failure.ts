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

const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/;
/** TLS with what does not speak it. */
const NO_TLS = "EPROTO";
const NO_REGION = /region is missing/i;

/** What a store says of credentials that it does not know, or that it knows otherwise. */
const REFUSED_CREDENTIALS =
  /^(InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken|ExpiredToken|RequestTimeTooSkewed)$/;
const CREDENTIALS = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or a role of this machine";

/**
 * True when waiting may help: nobody answers, or somebody who is overloaded or broken. False for a wrong bucket, region,
 * endpoint or certificate, and for credentials that are wrong, missing or too weak.
 */
export function mayPass(error: unknown): boolean {
  const { status, code, message } = failureOf(error);
  if (status !== undefined) return status >= 500 || status === 429;
  if (code === "CredentialsProviderError" || code === "TypeError" || code === NO_TLS) return false;
  return !CERTIFICATE.test(code) && !NO_REGION.test(message) && !/invalid url/i.test(message);
}

/** What a failure that will not pass means, for the operator: what is wrong, and what sets it. */
export function explain(error: unknown): string {
  const { status, code, message } = failureOf(error);
  const said = [code, message].filter((part) => part !== "" && part !== "Unknown").join(": ");
  const note = said && ` (${said})`;
  if (code === "CredentialsProviderError") return `there are no credentials${note}; they come from ${CREDENTIALS}`;
  if (REFUSED_CREDENTIALS.test(code)) return `the credentials are refused${note}; they come from ${CREDENTIALS}`;
  if (code === NO_TLS) return "it does not speak TLS; see cas.s3.endpoint";
  if (NO_REGION.test(message)) return "there is no region; see cas.s3.region, or AWS_REGION";
  if (CERTIFICATE.test(code)) {
    return `its certificate is not accepted${note}; NODE_EXTRA_CA_CERTS names a file of more authorities`;
  }
  if (status === 404) return `there is no such bucket${note}; see cas.s3.bucket and cas.s3.endpoint`;
  if (status === 403) {
    return `access is denied${note}; the credentials need s3:ListBucket, s3:GetObject, s3:PutObject and s3:AbortMultipartUpload`;
  }
  if (status === 301 || status === 400) {
    return `wrong region, or the bucket is elsewhere${note}; see cas.s3.region and cas.s3.endpoint`;
  }
  return status === undefined ? message : `status ${status}${note}`;
}
