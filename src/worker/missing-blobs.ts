import type { Digest } from "../base/digests.ts";
import { failedPrecondition, type StatusError } from "../base/errors.ts";
import { blobName } from "./blob-names.ts";

/** FAILED_PRECONDITION that names each blob that the CAS should have and has not (PreconditionFailure, MISSING). */
export function missingBlobs(digests: readonly Digest[]): StatusError {
  const violations = digests.map((digest) => ({ type: "MISSING", subject: blobName(digest), description: "" }));
  return failedPrecondition(`${digests.length} blob(s) missing in the CAS`, violations);
}
