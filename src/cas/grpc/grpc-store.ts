import { randomUUID } from "node:crypto";
import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import {
  Capabilities,
  ContentAddressableStorage,
  type DigestFunction_Value,
} from "../../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { ByteStream } from "../../../gen/google/bytestream/bytestream_pb.ts";
import type { Clock } from "../../base/clock.ts";
import { type Digest, digestKey, sha256 } from "../../base/digests.ts";
import { Code, StatusError, unavailable } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { fromDigest } from "../../base/wire-digests.ts";
import { createLimiter, mapLimit } from "../concurrency.ts";
import { createOutage, type Outage } from "../remote/outage.ts";
import type { BlobContent, RemoteContent, RemoteStore } from "../remote/remote-store.ts";

/** Where the other CAS is. */
export interface GrpcSettings {
  /** As `grpc://host:port` or `grpcs://host:port`, or with http and https. */
  readonly url: string;
  /** Name of the instance there. */
  readonly instance: string;
  /** PEM texts: the authorities to trust instead of the system's, and what to show. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** A bearer token for each call. */
  readonly token?: string | undefined;
}

/** What a store in another CAS works with. */
export interface GrpcStoreOptions extends GrpcSettings {
  readonly clock: Clock;
  readonly log: Logger;
}

const STREAM_WINDOW_BYTES = 4 * 1024 * 1024;
/** A connection on which nothing comes for that long is asked whether it lives. */
const PING_INTERVAL_MS = 10_000;
const PING_TIMEOUT_MS = 5000;
const CALL_TIMEOUT_MS = 30_000;
const CHECK_TIMEOUT_MS = 10_000;
/** About 700 KiB of digests in one message. */
const FIND_BATCH = 8000;
const FIND_CONCURRENCY = 4;
const PUT_CONCURRENCY = 64;
const MAX_BATCH_BYTES = 1024 * 1024;
const CHUNK_BYTES = 256 * 1024 - 64;
const MAX_ATTEMPTS = 3;
const BACKOFF_MS = 100;
const RETRY_MS = 1000;

/** Errors that tell of the way there, or of a server that is on its way down or up. */
const TRANSIENT: ReadonlySet<Code> = new Set([Code.Unavailable, Code.DeadlineExceeded, Code.Canceled, Code.Unknown]);
const DENIED: ReadonlySet<Code> = new Set([Code.PermissionDenied, Code.Unauthenticated]);

function baseUrlOf(url: string): string {
  return url.replace(/^grpc(s?):/, "http$1:");
}

function withToken(token: string): Interceptor {
  return (next) => (request) => {
    request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
}

function codeOf(error: unknown): Code | undefined {
  return error instanceof StatusError ? error.code : undefined;
}

function remoteFailure(error: unknown) {
  const code = codeOf(error);
  return { isDenied: code !== undefined && DENIED.has(code), fields: { code: code && Code[code] } };
}

/** The blobs of one instance of another CAS, over gRPC: bazel-remote, bb-storage, another opgrid. */
export class GrpcStore implements RemoteStore {
  readonly #options: GrpcStoreOptions;
  readonly #sessions: Http2SessionManager;
  readonly #cas: Client<typeof ContentAddressableStorage>;
  readonly #byteStream: Client<typeof ByteStream>;
  readonly #capabilities: Client<typeof Capabilities>;
  readonly #outage: Outage;
  readonly #limitPuts = createLimiter(PUT_CONCURRENCY);
  #maxBatchBytes = MAX_BATCH_BYTES;

  constructor(options: GrpcStoreOptions) {
    this.#options = options;
    const { url, token, clock, log } = options;
    const baseUrl = baseUrlOf(url);
    const pings = { pingIntervalMs: PING_INTERVAL_MS, pingTimeoutMs: PING_TIMEOUT_MS };
    const settings = { initialWindowSize: STREAM_WINDOW_BYTES };
    this.#sessions = new Http2SessionManager(baseUrl, pings, { ...options.tls, settings });
    const interceptors = token === undefined ? [] : [withToken(token)];
    const transport = createGrpcTransport({
      baseUrl,
      sessionManager: this.#sessions,
      acceptCompression: [],
      interceptors,
    });
    this.#cas = createClient(ContentAddressableStorage, transport);
    this.#byteStream = createClient(ByteStream, transport);
    this.#capabilities = createClient(Capabilities, transport);
    this.#outage = createOutage({ store: { url }, failureOf: remoteFailure, clock, log });
  }

  /**
   * Asks what the other CAS can do. Throws an error for the operator when it is none, denies it, or knows no SHA-256. That
   * nobody answers is none: it may end, so the log says it and the store is used.
   */
  async check(): Promise<void> {
    const { url, instance } = this.#options;
    const wrong = (why: string, cause?: unknown) =>
      new Error(`cas.grpc: cannot use instance ${JSON.stringify(instance)} at ${url}: ${why}`, { cause });
    try {
      const request = { instanceName: instance };
      const { cacheCapabilities } = await this.#capabilities.getCapabilities(request, { timeoutMs: CHECK_TIMEOUT_MS });
      if (!cacheCapabilities) throw wrong("it says that it has no CAS");
      if (!cacheCapabilities.digestFunctions.includes(sha256.wireValue as DigestFunction_Value)) {
        throw wrong("it does not know SHA-256");
      }
      const most = Number(cacheCapabilities.maxBatchTotalSizeBytes) || MAX_BATCH_BYTES;
      this.#maxBatchBytes = Math.min(most, MAX_BATCH_BYTES);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      if (!TRANSIENT.has(error.code)) throw wrong(error.message, error);
      this.#outage.failed(error);
    }
  }

  async find(digests: readonly Digest[]): Promise<(string | undefined)[]> {
    const batches = Array.from({ length: Math.ceil(digests.length / FIND_BATCH) }, (_, i) =>
      digests.slice(i * FIND_BATCH, (i + 1) * FIND_BATCH),
    );
    const missing = new Set((await mapLimit(batches, FIND_CONCURRENCY, (batch) => this.#missing(batch))).flat());
    return digests.map(({ hash, sizeBytes }) => (missing.has(`${hash}/${sizeBytes}`) ? undefined : ""));
  }

  async open(digest: Digest, offset: number, signal: AbortSignal): Promise<RemoteContent | undefined> {
    const left = new AbortController();
    const resourceName = `${this.#prefix}blobs/${digestKey(digest)}`;
    const options = { signal: AbortSignal.any([signal, left.signal]) };
    const messages = this.#byteStream.read({ resourceName, readOffset: BigInt(offset) }, options);
    const answers = messages[Symbol.asyncIterator]();
    try {
      // Only the first message tells whether the blob is there.
      const first = await this.#work(() => answers.next(), signal);
      return { version: "", chunks: this.#chunks(answers, first, left, signal) };
    } catch (error) {
      left.abort();
      if (codeOf(error) === Code.NotFound) return undefined;
      throw error;
    }
  }

  async put(digest: Digest, content: BlobContent): Promise<void> {
    await this.#limitPuts(() =>
      this.#retrying(async () => {
        if (content instanceof Uint8Array && content.byteLength <= this.#maxBatchBytes) {
          await this.#putSmall(digest, content);
        } else {
          await this.#putStream(digest, content instanceof Uint8Array ? () => slices(content) : content);
        }
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sessions.abort();
  }

  get #prefix(): string {
    return this.#options.instance === "" ? "" : `${this.#options.instance}/`;
  }

  async #missing(digests: readonly Digest[]): Promise<string[]> {
    const request = { instanceName: this.#options.instance, blobDigests: digests.map(fromDigest) };
    const { missingBlobDigests } = await this.#retrying(() =>
      this.#cas.findMissingBlobs(request, { timeoutMs: CALL_TIMEOUT_MS }),
    );
    return missingBlobDigests.map(({ hash, sizeBytes }) => `${hash}/${sizeBytes}`);
  }

  async #putSmall(digest: Digest, data: Uint8Array): Promise<void> {
    const requests = [{ digest: fromDigest(digest), data: data as Uint8Array<ArrayBuffer> }];
    const request = { instanceName: this.#options.instance, requests };
    const { responses } = await this.#cas.batchUpdateBlobs(request, { timeoutMs: CALL_TIMEOUT_MS });
    const status = responses[0]?.status;
    if (status && status.code !== 0) throw new StatusError(status.message, status.code as Code);
  }

  async #putStream(digest: Digest, content: () => AsyncIterable<Uint8Array>): Promise<void> {
    const resourceName = `${this.#prefix}uploads/${randomUUID()}/blobs/${digestKey(digest)}`;
    const { committedSize } = await this.#byteStream.write(writeRequests(resourceName, digest, content()));
    const size = Number(committedSize);
    if (size !== digest.sizeBytes && size !== -1) throw unavailable(`an upload ended at ${size} bytes`, RETRY_MS);
  }

  async *#chunks(
    answers: AsyncIterator<{ data: Uint8Array }>,
    first: IteratorResult<{ data: Uint8Array }>,
    left: AbortController,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    try {
      for (let next = first; !next.done; next = await this.#work(() => answers.next(), signal)) yield next.value.data;
    } finally {
      left.abort();
    }
  }

  async #retrying<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#work(work);
      } catch (error) {
        if (codeOf(error) !== Code.Unavailable || attempt === MAX_ATTEMPTS) throw error;
        await new Promise<void>((resolve) => this.#options.clock.after(BACKOFF_MS * 2 ** attempt, resolve));
      }
    }
  }

  /** What goes wrong on the way becomes UNAVAILABLE. What the other CAS says of a blob or of its room stays what it is. */
  async #work<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      const result = await work();
      this.#outage.worked();
      return result;
    } catch (error) {
      if (signal?.aborted) throw unavailable("the storage is closed", RETRY_MS);
      const code = codeOf(error);
      if (code === Code.NotFound || code === Code.ResourceExhausted) throw error;
      throw this.#outage.failed(error);
    }
  }
}

async function* slices(data: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.byteLength; at += CHUNK_BYTES) yield data.subarray(at, at + CHUNK_BYTES);
}

async function* writeRequests(resourceName: string, { sizeBytes }: Digest, content: AsyncIterable<Uint8Array>) {
  let at = 0;
  for await (const data of content) {
    const finishWrite = at + data.byteLength >= sizeBytes;
    yield { resourceName, writeOffset: BigInt(at), data: data as Uint8Array<ArrayBuffer>, finishWrite };
    at += data.byteLength;
  }
}
