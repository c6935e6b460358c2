import type { DescMessage } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import {
  ExecuteOperationMetadataSchema,
  ExecuteResponseSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";

/** The type URL of the metadata of every operation. */
export const METADATA_TYPE_URL: string = typeUrlOf(ExecuteOperationMetadataSchema);

/** The type URL of what every operation ends with. */
export const RESPONSE_TYPE_URL: string = typeUrlOf(ExecuteResponseSchema);

/** An Any around a message that is encoded already: the bytes are passed on as they are. */
export function packAny(typeUrl: string, encoded: Uint8Array): Any {
  return { $typeName: "google.protobuf.Any", typeUrl, value: encoded };
}

function typeUrlOf(desc: DescMessage): string {
  return `type.googleapis.com/${desc.typeName}`;
}
