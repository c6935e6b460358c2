import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type BatchReadBlobsRequest,
  BatchReadBlobsResponseSchema,
  BatchUpdateBlobsResponseSchema,
  Compressor_Value,
  type ContentAddressableStorage,
  type Directory,
  FindMissingBlobsResponseSchema,
  GetTreeResponseSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { type Status, StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import type { Digest } from "../base/digests.ts";
import { Code, invalidArgument, invalidField, StatusError, unimplemented } from "../base/errors.ts";
import { fromDigest, toDigest } from "../base/wire-digests.ts";
import type { Instance } from "../instances/instances.ts";
import { target } from "./target.ts";

/** REAPI ContentAddressableStorage. Batches answer a status for each blob; a batch above the limit is refused whole. */
export function contentAddressableStorageService(): ServiceImpl<typeof ContentAddressableStorage> {
  return {
    findMissingBlobs: async (request, context) => {
      const { instance } = target(context);
      const digests = request.blobDigests.map((digest) => toDigest(digest, request.digestFunction, "blob_digests"));
      const missing = await instance.cas.findMissing(digests);
      return create(FindMissingBlobsResponseSchema, { missingBlobDigests: missing.map(fromDigest) });
    },
    batchUpdateBlobs: async (request, context) => {
      const { instance } = target(context);
      checkBatch(
        instance,
        request.requests.map(({ data }) => data.byteLength),
      );
      const responses = await Promise.all(
        request.requests.map(async ({ digest, data, compressor }) => ({
          ...(digest && { digest }),
          status: await statusOf(async () => {
            checkCompressor(compressor);
            await instance.cas.write(toDigest(digest, request.digestFunction, "requests.digest"), data);
          }),
        })),
      );
      return create(BatchUpdateBlobsResponseSchema, { responses });
    },
    batchReadBlobs: async (request, context) => {
      const { instance } = target(context);
      checkBatch(
        instance,
        request.digests.map((digest) => Number(digest.sizeBytes)),
      );
      const responses = await Promise.all(request.digests.map((digest) => readOne(instance, request, digest)));
      return create(BatchReadBlobsResponseSchema, { responses });
    },
    async *getTree(request, context) {
      const { instance } = target(context);
      if (request.pageSize < 0) throw invalidField("page_size", "must not be negative");
      const root = toDigest(request.rootDigest, request.digestFunction, "root_digest");
      const pageSize = request.pageSize || DEFAULT_TREE_PAGE;
      let position = positionOf(request.pageToken);
      let page: Directory[] | undefined;
      for await (const next of instance.tree(root, { pageSize, skip: position })) {
        position += page?.length ?? 0;
        if (page) yield treePage(page, String(position));
        page = next;
      }
      yield treePage(page ?? [], "");
    },
    splitBlob: () => notServed("SplitBlob"),
    spliceBlob: () => notServed("SpliceBlob"),
  };
}

const DEFAULT_TREE_PAGE = 1000;

/** A page token is the number of directories before the page: the order of a tree is fixed by its root. */
function positionOf(pageToken: string): number {
  if (/^\d{0,9}$/.test(pageToken)) return Number(pageToken);
  throw invalidField("page_token", "is not one that this server gave out");
}

function treePage(directories: Directory[], nextPageToken: string) {
  return create(GetTreeResponseSchema, { directories, nextPageToken });
}

function notServed(method: string): never {
  throw unimplemented("METHOD_NOT_SERVED", `${method} is not served; GetCapabilities says so`);
}

async function readOne(instance: Instance, request: BatchReadBlobsRequest, wire: { hash: string; sizeBytes: bigint }) {
  let data: Uint8Array | undefined;
  const status = await statusOf(async () => {
    const digest: Digest = toDigest(wire, request.digestFunction, "digests");
    data = await instance.cas.readAll(digest, instance.settings.maxBatchBytes);
  });
  return { digest: wire, status, ...(data && { data }) };
}

function checkBatch(instance: Instance, sizes: readonly number[]): void {
  // A negative size is an error of its own, and must not make room for others.
  const total = sizes.reduce((sum, size) => sum + Math.max(size, 0), 0);
  const { maxBatchBytes } = instance.settings;
  if (total <= maxBatchBytes) return;
  throw invalidArgument(
    "BATCH_TOO_LARGE",
    `the blobs have ${total} bytes together, at most ${maxBatchBytes} are allowed`,
  );
}

function checkCompressor(compressor: Compressor_Value): void {
  if (compressor === Compressor_Value.IDENTITY) return;
  throw invalidArgument("COMPRESSOR_NOT_SUPPORTED", `compressor ${compressor} is not supported; see GetCapabilities`);
}

/** What happened to one blob of a batch. What is not a client's error is a bug and fails the call. */
async function statusOf(work: () => Promise<void>): Promise<Status> {
  try {
    await work();
    return create(StatusSchema);
  } catch (error) {
    if (!(error instanceof StatusError) || error.code === Code.Internal) throw error;
    return create(StatusSchema, { code: error.code, message: error.rawMessage });
  }
}
