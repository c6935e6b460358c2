import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import {
  Capabilities,
  ContentAddressableStorage,
  DigestSchema,
  type Digest as WireDigest,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { ByteStream } from "../../gen/google/bytestream/bytestream_pb.ts";
import { digestOf } from "../../src/base/digests.ts";

/** CAS, ByteStream and Capabilities in memory, that can be told to fail. */
export abstract class FakeCas {
  readonly blobs = new Map<string, Uint8Array>();
  /** Each call, by method name. */
  readonly calls: string[] = [];
  /** Calls that fail next, by method name, with a code each; "drop" cuts the connection. */
  readonly failures = new Map<string, (Code | "drop")[]>();
  /** Instances that were named in calls of the CAS. */
  readonly instances = new Set<string>();
  maxBatchBytes = 4 * 2 ** 20;
  readonly #uploads = new Map<string, Uint8Array[]>();

  /** Cuts all connections. */
  abstract cutConnections(): void;

  /** Stores a blob. */
  put(content: Uint8Array | string): WireDigest {
    const data = typeof content === "string" ? Buffer.from(content) : content;
    const { hash, sizeBytes } = digestOf(data);
    this.blobs.set(`${hash}/${sizeBytes}`, data);
    return create(DigestSchema, { hash, sizeBytes: BigInt(sizeBytes) });
  }

  /** Stores a message. */
  putMessage<D extends DescMessage>(schema: D, init: MessageInitShape<D>): WireDigest {
    return this.put(toBinary(schema, create(schema, init)));
  }

  /** The content of a blob; throws when it is not there. */
  read(digest: WireDigest | undefined): Buffer {
    const data = this.blobs.get(`${digest?.hash}/${digest?.sizeBytes}`);
    if (!data) throw new Error(`no blob ${digest?.hash}/${digest?.sizeBytes}`);
    return Buffer.from(data);
  }

  /** Adds the services. */
  routes(router: ConnectRouter): void {
    router.service(Capabilities, {
      getCapabilities: this.counted("GetCapabilities", () => ({
        cacheCapabilities: { maxBatchTotalSizeBytes: BigInt(this.maxBatchBytes) },
      })),
    });
    router.service(ContentAddressableStorage, {
      findMissingBlobs: this.counted("FindMissingBlobs", (request) => {
        this.instances.add(request.instanceName);
        return { missingBlobDigests: request.blobDigests.filter((digest) => !this.#has(digest)) };
      }),
      batchReadBlobs: this.counted("BatchReadBlobs", (request) => ({
        responses: request.digests.map((digest) =>
          this.#has(digest) ? { digest, data: this.read(digest) } : { digest, status: { code: Code.NotFound } },
        ),
      })),
      batchUpdateBlobs: this.counted("BatchUpdateBlobs", (request) => ({
        responses: request.requests.map(({ digest, data }) => ({
          ...(digest && { digest }),
          status: { code: this.#accept(digest, data) },
        })),
      })),
    });
    router.service(ByteStream, {
      read: this.counted("Read", ({ resourceName, readOffset }) => this.#readStream(resourceName, Number(readOffset))),
      write: this.counted("Write", (requests) => this.#writeStream(requests)),
      queryWriteStatus: this.counted("QueryWriteStatus", ({ resourceName }) => {
        const size = this.#uploads.get(resourceName)?.reduce((sum, chunk) => sum + chunk.length, 0);
        if (size === undefined) throw new ConnectError("no such upload", Code.NotFound);
        return { committedSize: BigInt(size) };
      }),
    });
  }

  /** Notes calls of a method, and lets those fail that should. */
  protected counted<A extends unknown[], R>(name: string, handler: (...args: A) => R): (...args: A) => R {
    return (...args) => {
      this.calls.push(name);
      const failure = this.failures.get(name)?.shift();
      if (failure === "drop") this.cutConnections();
      if (failure !== undefined) {
        throw new ConnectError("as the test wants it", failure === "drop" ? Code.Unavailable : failure);
      }
      return handler(...args);
    };
  }

  #has(digest: { hash: string; sizeBytes: bigint }): boolean {
    return digest.sizeBytes === 0n || this.blobs.has(`${digest.hash}/${digest.sizeBytes}`);
  }

  #accept(digest: { hash: string; sizeBytes: bigint } | undefined, data: Uint8Array): number {
    const { hash, sizeBytes } = digestOf(data);
    if (digest?.hash !== hash || Number(digest.sizeBytes) !== sizeBytes) return Code.InvalidArgument;
    this.blobs.set(`${hash}/${sizeBytes}`, Uint8Array.from(data));
    return 0;
  }

  async *#readStream(resourceName: string, offset: number) {
    const [, hash, size] = /blobs\/([0-9a-f]+)\/(\d+)$/.exec(resourceName) ?? [];
    const data = this.blobs.get(`${hash}/${size}`);
    if (!data) throw new ConnectError("no such blob", Code.NotFound);
    for (let at = offset; at < data.length; at += 65_536) {
      if (at > offset && this.failures.get("ReadChunk")?.shift()) this.cutConnections();
      yield { data: data.subarray(at, at + 65_536) };
    }
  }

  async #writeStream(
    requests: AsyncIterable<{ resourceName: string; writeOffset: bigint; data: Uint8Array; finishWrite: boolean }>,
  ) {
    let name = "";
    let size = 0;
    for await (const request of requests) {
      name ||= request.resourceName;
      const chunks = this.#uploads.get(name) ?? [];
      this.#uploads.set(name, chunks);
      size ||= chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      if (Number(request.writeOffset) !== size) throw new ConnectError(`expected offset ${size}`, Code.InvalidArgument);
      chunks.push(Uint8Array.from(request.data));
      size += request.data.length;
      if (this.failures.get("WriteChunk")?.shift()) this.cutConnections();
      if (request.finishWrite) break;
    }
    const [, hash, length] = /blobs\/([0-9a-f]+)\/(\d+)$/.exec(name) ?? [];
    const code = this.#accept(
      { hash: hash ?? "", sizeBytes: BigInt(length ?? 0) },
      Buffer.concat(this.#uploads.get(name) ?? []),
    );
    if (code !== 0) throw new ConnectError("digest mismatch", code);
    return { committedSize: BigInt(size) };
  }
}

/** Reads a message from the CAS. */
export function readMessage<D extends DescMessage>(cas: FakeCas, schema: D, digest: WireDigest | undefined) {
  return fromBinary(schema, cas.read(digest));
}
