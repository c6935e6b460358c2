import { createHash } from "node:crypto";
import { writeSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { type Digest, sha256 } from "../../src/base/digests.ts";
import { Code, StatusError } from "../../src/base/errors.ts";
import { silentLog } from "../../src/base/log.ts";
import { type Cas, createFileCas } from "../../src/cas/cas.ts";
import { type Blob, blobOf, randomBlob } from "./fixtures.ts";

const MIB = 1024 * 1024;

/** Content that parent and child can both make. */
export function numberedBlob(number: number): Blob {
  const seed = createHash("sha256").update(`${number}`).digest();
  return blobOf(Buffer.alloc(1 + ((number * 7919) % 300_000), seed));
}

function say(fact: unknown): void {
  writeSync(1, `${JSON.stringify(fact)}\n`);
}

async function upload(cas: Cas, id: string, { digest, data }: Blob): Promise<void> {
  await using sent = await cas.openUpload(id, digest);
  for (let at = sent.committedSize; at < data.byteLength; at += 20_000)
    await sent.write(data.subarray(at, at + 20_000));
  await sent.finish();
}

/** Stores numbered blobs for ever, four at a time, half of them by upload; says each when it is acknowledged. */
async function storeUntilKilled(cas: Cas, first: number): Promise<void> {
  let next = first;
  const client = async () => {
    for (;;) {
      const number = next++;
      const blob = numberedBlob(number);
      if (number % 2) await upload(cas, `upload ${number}`, blob);
      else await cas.write(blob.digest, blob.data);
      say(number);
    }
  };
  await Promise.all([client(), client(), client(), client()]);
}

/** Sends 256 MiB and reads them again; says by how much that made the process grow, and the rates in MiB/s. */
async function streamMuch(cas: Cas): Promise<void> {
  const size = 256 * MIB;
  const chunk = Buffer.alloc(256 * 1024, "opgrid");
  const hash = createHash("sha256");
  for (let at = 0; at < size; at += chunk.byteLength) hash.update(chunk);
  const digest: Digest = { fn: sha256, hash: hash.digest("hex"), sizeBytes: size };
  const before = process.resourceUsage().maxRSS;
  const started = performance.now();
  await using sent = await cas.openUpload("much", digest);
  for (let at = 0; at < size; at += chunk.byteLength) await sent.write(new Uint8Array(chunk));
  await sent.finish();
  const stored = performance.now();
  const received = createHash("sha256");
  for await (const part of cas.read(digest, { offset: 0, limit: undefined })) received.update(part);
  const ended = performance.now();
  const rate = (ms: number) => Math.round(256 / (ms / 1000));
  say({
    same: received.digest("hex") === digest.hash,
    grownKiB: process.resourceUsage().maxRSS - before,
    uploadRate: rate(stored - started),
    readRate: rate(ended - stored),
  });
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => "OK",
    (error: unknown) => (error instanceof StatusError ? (Code[error.code] ?? "") : `${error}`),
  );
}

/** Fills the disk under the CAS; says how a write and an upload ended, what was left of them and whether room helps. */
async function fillDisk(cas: Cas, directory: string): Promise<void> {
  const kept = randomBlob(MIB);
  await cas.write(kept.digest, kept.data);
  const more = randomBlob(2 * MIB);
  const written = await codeOf(cas.write(more.digest, more.data));
  const uploaded = await codeOf(upload(cas, "more", more));
  const left = await readdir(join(directory, "uploads"));
  const fits = randomBlob(1000);
  const after = await codeOf(cas.write(fits.digest, fits.data));
  const readable = Buffer.from(kept.data).equals(await cas.readAll(kept.digest, MIB));
  say({ written, uploaded, left, after, readable, bytes: cas.stats().bytes });
}

if (import.meta.main) {
  const [mode, directory = "", argument] = process.argv.slice(2);
  await using cas = await createFileCas({
    directory,
    maxBytes: 1024 * MIB,
    maxBlobBytes: 512 * MIB,
    clock: systemClock,
    log: silentLog,
    liveActions: async () => [],
  });
  if (mode === "store") await storeUntilKilled(cas, Number(argument));
  if (mode === "stream") await streamMuch(cas);
  if (mode === "fill") await fillDisk(cas, directory);
}
