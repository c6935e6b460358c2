import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { createS3Cas } from "../../src/cas/cas.ts";
import { useBackend } from "../cas/fixtures.ts";
import { credentials, startS3 } from "../helpers/ceph.ts";
import { isInstalled, requireEngine } from "../helpers/e2e-engines.ts";

// The suites of the CAS once more, with the blobs in S3.
if (isInstalled("radosgw")) {
  const server = await startS3();
  after(() => server[Symbol.asyncDispose]());
  process.env.AWS_ACCESS_KEY_ID = credentials.accessKeyId;
  process.env.AWS_SECRET_ACCESS_KEY = credentials.secretAccessKey;
  const bucket = await server.createBucket();
  useBackend(() => {
    const where = { bucket, prefix: `a test's/${randomUUID()} + %2F/`, endpoint: server.endpoint, region: "us-east-1" };
    return (cache) => createS3Cas({ ...where, addressing: "auto", expiryMs: 0, presenceTtlMs: 60_000, cache });
  });
  for (const suite of ["blobs", "uploads", "action-inputs", "action-cache"]) await import(`../cas/${suite}.test.ts`);
} else {
  test("runs the suites of the CAS on S3", (t) => {
    requireEngine(t, "radosgw");
  });
}
