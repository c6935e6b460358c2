import { homedir } from "node:os";
import {
  CopyObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from "@aws-sdk/client-s3";
import type { Clock } from "../../base/clock.ts";
import { type Digest, sha256 } from "../../base/digests.ts";
import { StatusError, unavailable } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { createLimiter, mapLimit } from "../concurrency.ts";
import { createOutage, type Outage } from "../remote/outage.ts";
import type { BlobContent, RemoteContent, RemoteStore } from "../remote/remote-store.ts";
import { explain, failureOf, isMissing, mayPass } from "./failure.ts";
import { createMemoryBudget } from "./memory-budget.ts";
import { PART_BYTES, PieceReader, putInParts } from "./multipart.ts";

/** Where the blobs are, and how to get there. Credentials come from where the AWS SDK looks for them. */
export interface S3Settings {
  readonly bucket: string;
  /** In front of the name of each object, as it is. */
  readonly prefix: string;
  /** URL of a store that is not Amazon's; empty for Amazon's. */
  readonly endpoint: string;
  /** Empty for what the environment or the profile says; with an `endpoint`, for us-east-1. */
  readonly region: string;
  /** Whether the bucket is in the path or in the host name; `auto` is the path with an `endpoint`. */
  readonly addressing: "auto" | "path" | "host";
  /** After how long the bucket removes an object; 0 when it never does. */
  readonly expiryMs: number;
}

/** What a store in S3 works with. */
export interface S3StoreOptions extends S3Settings {
  readonly clock: Clock;
  readonly log: Logger;
  /** Longest silence of a connection; a test has less patience. Default 30 s. */
  readonly idleTimeoutMs?: number;
}

const FIND_CONCURRENCY = 64;
const PUT_CONCURRENCY = 64;
/** More than can be in use: a request that waits for a connection would count as one that cannot connect. */
const MAX_SOCKETS = 512;
const BUFFER_BYTES = 64 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 5000;
const IDLE_TIMEOUT_MS = 30_000;
const MAX_ATTEMPTS = 4;
/** A start does not wait longer than this for an answer. */
const CHECK_TIMEOUT_MS = 10_000;
const RETRY_MS = 1000;
/** Larger objects cannot be copied by one call. */
const MAX_COPY_BYTES = 5 * 1024 ** 3;
const EMPTY: Digest = { fn: sha256, hash: sha256.createHasher().hex(), sizeBytes: 0 };

/** The SDK looks for its files in the home directory, and all of its calls fail for a user who has none. */
function giveHome(): void {
  try {
    homedir();
  } catch {
    process.env.HOME = "/";
  }
}

function clientOf({ endpoint, region, addressing, idleTimeoutMs = IDLE_TIMEOUT_MS }: S3StoreOptions): S3Client {
  giveHome();
  const config: S3ClientConfig = {
    maxAttempts: MAX_ATTEMPTS,
    forcePathStyle: addressing === "path" || (addressing === "auto" && endpoint !== ""),
    // Many stores do not know the newer checksums. The signature covers what is sent, the digest what comes back.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: idleTimeoutMs,
      httpAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
      httpsAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
    },
  };
  if (endpoint !== "") Object.assign(config, { endpoint, region: "us-east-1" });
  if (region !== "") config.region = region;
  return new S3Client(config);
}

/** Opens the store of one instance in a bucket; nothing is asked yet. */
export function openS3Store(options: S3StoreOptions): S3Store {
  return new S3Store(options);
}

/**
 * One object per blob, `<prefix>blobs/<digest function>/<first two characters>/<hash>-<size>`: the same names as in the
 * directory of a CAS in files.
 */
export class S3Store implements RemoteStore {
  readonly #options: S3StoreOptions;
  readonly #client: S3Client;
  readonly #outage: Outage;
  readonly #budget = createMemoryBudget(BUFFER_BYTES);
  readonly #limitFinds = createLimiter(FIND_CONCURRENCY);
  readonly #limitPuts = createLimiter(PUT_CONCURRENCY);

  constructor(options: S3StoreOptions) {
    this.#options = options;
    this.#client = clientOf(options);
    const { bucket, clock, log } = options;
    this.#outage = createOutage({ store: { bucket }, failureOf: remoteFailure, clock, log });
  }

  /**
   * Makes sure, by listing an object of the bucket and by storing the empty blob, that blobs can be kept here. Throws an error for the
   * operator when they cannot. That nobody answers is none: it may end, so the log says it and the store is used.
   */
  async check(): Promise<void> {
    const { bucket: Bucket, prefix: Prefix, endpoint } = this.#options;
    const abortSignal = AbortSignal.timeout(CHECK_TIMEOUT_MS);
    let doing = "look at";
    try {
      // The answer to a HEAD has no body to say which of the credentials, the region and the bucket is wrong.
      await this.#client.send(new ListObjectsV2Command({ Bucket, Prefix, MaxKeys: 1 }), { abortSignal });
      doing = "write to";
      const empty = new PutObjectCommand({ ...this.#target(EMPTY), Body: new Uint8Array(0) });
      await this.#client.send(empty, { abortSignal });
    } catch (error) {
      if (mayPass(error)) {
        this.#outage.failed(error);
        return;
      }
      const at = endpoint === "" ? "Amazon S3" : endpoint;
      throw new Error(`cas.s3: cannot ${doing} bucket ${Bucket} at ${at}: ${explain(error)}`, { cause: error });
    }
  }

  async find(digests: readonly Digest[]): Promise<(string | undefined)[]> {
    let failed = false;
    return await mapLimit(digests, FIND_CONCURRENCY, async (digest) => {
      // Those that are left need not be asked for: the error that ended it is the answer.
      if (failed) return undefined;
      try {
        return await this.#limitFinds(() => this.#findOne(digest));
      } catch (error) {
        failed = true;
        throw error;
      }
    });
  }

  async open(digest: Digest, offset: number, signal: AbortSignal): Promise<RemoteContent | undefined> {
    const range = offset > 0 ? { Range: `bytes=${offset}-` } : {};
    const command = new GetObjectCommand({ ...this.#target(digest), ...range });
    const answer = await this.#ask(() => this.#client.send(command, { abortSignal: signal }), signal);
    if (!answer?.Body) return undefined;
    const body = answer.Body as AsyncIterable<Uint8Array> & { destroy(): void };
    // As large as the blob is, or it is another; a server that knows no ranges sends too much.
    if (answer.ContentLength !== digest.sizeBytes - offset) {
      body.destroy();
      return undefined;
    }
    return { version: answer.ETag ?? "", chunks: this.#chunks(body, signal) };
  }

  async put(digest: Digest, content: BlobContent): Promise<void> {
    await this.#work(async () => {
      if (content instanceof Uint8Array) await this.#limitPuts(() => this.#putObject(digest, content));
      else if (digest.sizeBytes <= PART_BYTES) await this.#putSmall(digest, content);
      else await this.#putLarge(digest, content);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.destroy();
  }

  #key({ fn, hash, sizeBytes }: Digest): string {
    return `${this.#options.prefix}blobs/${fn.name}/${hash.slice(0, 2)}/${hash}-${sizeBytes}`;
  }

  #target(digest: Digest): { Bucket: string; Key: string } {
    return { Bucket: this.#options.bucket, Key: this.#key(digest) };
  }

  async #findOne(digest: Digest): Promise<string | undefined> {
    const answer = await this.#ask(() => this.#client.send(new HeadObjectCommand(this.#target(digest))));
    if (answer?.ContentLength !== digest.sizeBytes) return undefined;
    return this.#isOld(answer) ? await this.#renew(digest) : (answer.ETag ?? "");
  }

  /** True when the bucket removes the object before long: half of its time is over. */
  #isOld({ LastModified }: HeadObjectCommandOutput): boolean {
    const { expiryMs, clock } = this.#options;
    return expiryMs > 0 && LastModified !== undefined && clock.now() - LastModified.getTime() > expiryMs / 2;
  }

  /** Copies an object onto itself, which makes it new. One that is too large for it counts as missing, to be sent again. */
  async #renew(digest: Digest): Promise<string | undefined> {
    if (digest.sizeBytes > MAX_COPY_BYTES) return undefined;
    const target = this.#target(digest);
    const CopySource = `${target.Bucket}/${target.Key.split("/").map(encodeURIComponent).join("/")}`;
    const command = new CopyObjectCommand({ ...target, CopySource, MetadataDirective: "REPLACE" });
    const answer = await this.#ask(() => this.#client.send(command));
    return answer && (answer.CopyObjectResult?.ETag ?? "");
  }

  async #putSmall(digest: Digest, content: () => AsyncIterable<Uint8Array>): Promise<void> {
    await this.#budget.run(digest.sizeBytes, async () => {
      await using reader = new PieceReader(content());
      const data = await reader.next(digest.sizeBytes);
      await this.#limitPuts(() => this.#putObject(digest, data));
    });
  }

  async #putLarge(digest: Digest, content: () => AsyncIterable<Uint8Array>): Promise<void> {
    const deps = { client: this.#client, target: this.#target(digest), budget: this.#budget, log: this.#options.log };
    await putInParts(deps, digest.sizeBytes, content());
  }

  async #putObject(digest: Digest, data: Uint8Array): Promise<void> {
    await this.#client.send(new PutObjectCommand({ ...this.#target(digest), Body: data }));
  }

  async *#chunks(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const chunks = body[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.#work(() => chunks.next(), signal);
        if (next.done) return;
        yield next.value;
      }
    } finally {
      await chunks.return?.();
    }
  }

  /** The answer, or undefined when what was asked for is not there. */
  async #ask<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T | undefined> {
    return await this.#work(async () => {
      try {
        return await work();
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    }, signal);
  }

  /** What goes wrong between here and the bucket becomes UNAVAILABLE. */
  async #work<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      const result = await work();
      this.#outage.worked();
      return result;
    } catch (error) {
      if (error instanceof StatusError) throw error;
      throw signal?.aborted ? unavailable("the storage is closed", RETRY_MS) : this.#outage.failed(error);
    }
  }
}

function remoteFailure(error: unknown) {
  const { status, code } = failureOf(error);
  return { isDenied: status === 403, fields: { status, code } };
}
