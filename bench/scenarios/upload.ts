import { ByteStream, WriteResponseSchema } from "../../gen/google/bytestream/bytestream_pb.ts";
import { createBlobMaker } from "../blobs.ts";
import { echoPaths } from "../echo.ts";
import { pathOf, readOne } from "../methods.ts";
import { type Group, instances } from "./group.ts";

const MEBIBYTES = 64;
const SIZE_BYTES = MEBIBYTES * 1024 * 1024;
const path = pathOf(ByteStream.method.write);

/** ByteStream.Write of a new blob each time, one at a time, in messages of 64 KiB. */
export const upload: Group = async ({ servers: { opgrid, http2, "grpc-js": grpcJs } }) => {
  const nextBlob = createBlobMaker(instances.live, SIZE_BYTES);
  const write = async () => {
    const replies = await opgrid.client.messages(path, nextBlob().frames);
    const { committedSize } = readOne(WriteResponseSchema, replies);
    if (committedSize !== BigInt(SIZE_BYTES)) throw new Error(`${committedSize} bytes of ${SIZE_BYTES} are committed`);
  };
  return [
    {
      title: `CAS upload, ${MEBIBYTES} MiB`,
      inFlight: 1,
      figure: "MiB/s",
      mebibytes: MEBIBYTES,
      operations: {
        opgrid: write,
        http2: () => http2.client.call(echoPaths.upload, nextBlob().frames),
        "grpc-js": () => grpcJs.client.call(echoPaths.upload, nextBlob().frames),
      },
    },
  ];
};
