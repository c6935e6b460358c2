import { createHash } from "node:crypto";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { type Digest, sha256 } from "../../src/base/digests.ts";
import { silentLog } from "../../src/base/log.ts";
import { createS3Cas } from "../../src/cas/cas.ts";

const MIB = 1024 * 1024;
const SIZE = 200 * MIB;

/** Different everywhere, so that parts in a wrong order are another blob. */
function* chunks(): Generator<Buffer> {
  for (let at = 0; at < SIZE; at += MIB / 4) yield Buffer.alloc(MIB / 4, `${at} `);
}

// Sends 200 MiB to a bucket and reads them again with an empty cache; says how much memory that took.
const [bucket = "", endpoint = "", directory = ""] = process.argv.slice(2);
const open = (name: string) =>
  createS3Cas({
    ...{ bucket, endpoint, prefix: "stream/", region: "", addressing: "auto", expiryMs: 0, presenceTtlMs: 60_000 },
    cache: {
      ...{ directory: join(directory, name), maxBytes: 512 * MIB, maxBlobBytes: 512 * MIB },
      ...{ clock: systemClock, log: silentLog },
    },
  });
const hash = createHash("sha256");
for (const chunk of chunks()) hash.update(chunk);
const digest: Digest = { fn: sha256, hash: hash.digest("hex"), sizeBytes: SIZE };
await using sender = await open("sender");
await using receiver = await open("receiver");
const started = performance.now();
{
  await using upload = await sender.openUpload("much", digest);
  for (const chunk of chunks()) await upload.write(chunk);
  await upload.finish();
}
const stored = performance.now();
const received = createHash("sha256");
for await (const part of receiver.read(digest, { offset: 0, limit: undefined })) received.update(part);
const rate = (ms: number) => Math.round(SIZE / MIB / (ms / 1000));
const facts = {
  same: received.digest("hex") === digest.hash,
  maxRssKiB: process.resourceUsage().maxRSS,
  uploadRate: rate(stored - started),
  readRate: rate(performance.now() - stored),
};
process.stdout.write(`${JSON.stringify(facts)}\n`);
