import { create, toBinary } from "@bufbuild/protobuf";
import { ByteStream, ReadRequestSchema } from "../../gen/google/bytestream/bytestream_pb.ts";
import { createBlobMaker } from "../blobs.ts";
import { echoPaths } from "../echo.ts";
import { frame } from "../frames.ts";
import { pathOf } from "../methods.ts";
import { echoesOf, type Group, instances } from "./group.ts";

const MEBIBYTES = 64;
const SIZE_BYTES = MEBIBYTES * 1024 * 1024;
const path = pathOf(ByteStream.method.read);

/** ByteStream.Read of one blob, one call at a time, in messages of the size that opgrid chooses. */
export const download: Group = async ({ servers }) => {
  const { client } = servers.opgrid;
  const blob = createBlobMaker(instances.live, SIZE_BYTES)();
  await client.call(pathOf(ByteStream.method.write), blob.frames);
  const request = frame(toBinary(ReadRequestSchema, create(ReadRequestSchema, { resourceName: blob.readName })));
  const replies = await client.messages(path, request);
  const read = async () => {
    const bytes = await client.call(path, request);
    if (bytes < SIZE_BYTES) throw new Error(`${bytes} bytes of ${SIZE_BYTES} came`);
  };
  return [
    {
      title: `CAS download, ${MEBIBYTES} MiB`,
      inFlight: 1,
      figure: "MiB/s",
      mebibytes: MEBIBYTES,
      operations: { opgrid: read, ...echoesOf(servers, echoPaths.download, { request, replies }) },
    },
  ];
};
