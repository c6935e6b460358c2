import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type ByteStream,
  QueryWriteStatusResponseSchema,
  ReadResponseSchema,
  type WriteRequest,
  WriteResponseSchema,
} from "../../gen/google/bytestream/bytestream_pb.ts";
import { invalidArgument, invalidField } from "../base/errors.ts";
import type { Upload } from "../instances/instances.ts";
import { targetBlob } from "./target.ts";

/** google.bytestream.ByteStream over the CAS: reads of a part, uploads that can be resumed. */
export function byteStreamService(): ServiceImpl<typeof ByteStream> {
  return {
    async *read(request, context) {
      const { instance, digest } = targetBlob(context);
      const limit = safeNumber(request.readLimit, "read_limit");
      const offset = safeNumber(request.readOffset, "read_offset");
      if (limit < 0) throw invalidField("read_limit", "must not be negative");
      const range = { offset, limit: limit === 0 ? undefined : limit };
      for await (const data of instance.cas.read(digest, range)) yield create(ReadResponseSchema, { data });
    },
    write: async (requests, context) => {
      const { instance, digest, uploadId } = targetBlob(context);
      if (uploadId === undefined) throw invalidField("resource_name", "must be an upload name");
      if (await instance.cas.has(digest)) return committed(digest.sizeBytes);
      await using upload = await instance.cas.openUpload(uploadId, digest);
      return committed(await receive(requests, upload));
    },
    queryWriteStatus: async (_request, context) => {
      const { instance, digest, uploadId } = targetBlob(context);
      if (uploadId === undefined) throw invalidField("resource_name", "must be an upload name");
      const { committedSize, complete } = await instance.cas.uploadStatus(uploadId, digest);
      return create(QueryWriteStatusResponseSchema, { committedSize: BigInt(committedSize), complete });
    },
  };
}

/**
 * Takes the messages of one Write call. A client that resumes behind what is held sends bytes again that are here
 * already; they are skipped. A stream that ends without `finish_write` leaves a partial upload to be resumed.
 */
async function receive(requests: AsyncIterable<WriteRequest>, upload: Upload): Promise<number> {
  let name: string | undefined;
  let position: number | undefined;
  for await (const request of requests) {
    name ??= request.resourceName;
    if (request.resourceName !== "" && request.resourceName !== name) {
      throw invalidField("resource_name", "must be the same in all messages of a call, or empty");
    }
    const offset = safeNumber(request.writeOffset, "write_offset");
    position ??= offset;
    checkOffset(offset, position, upload.committedSize);
    position += request.data.byteLength;
    const known = upload.committedSize - offset;
    const news = known > 0 ? request.data.subarray(known) : request.data;
    if (news.byteLength > 0) await upload.write(news);
    if (!request.finishWrite) continue;
    if (position < upload.committedSize) throw sizeMismatch(position, upload.committedSize);
    await upload.finish();
    break;
  }
  return upload.committedSize;
}

function checkOffset(offset: number, position: number, held: number): void {
  if (offset < 0) throw invalidField("write_offset", "must not be negative");
  if (offset !== position) throw invalidField("write_offset", `must go on at ${position}, is ${offset}`);
  if (offset > held) throw invalidField("write_offset", `must be at most the committed size ${held}, is ${offset}`);
}

function sizeMismatch(sent: number, held: number) {
  return invalidArgument(
    "UPLOAD_SIZE_MISMATCH",
    `finished at ${sent} bytes, but ${held} bytes of this upload are here`,
  );
}

function committed(size: number) {
  return create(WriteResponseSchema, { committedSize: BigInt(size) });
}

function safeNumber(value: bigint, field: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw invalidField(field, "is out of range");
  return number;
}
