import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import {
  type Directory,
  DirectorySchema,
  TreeSchema,
} from "../../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";

/** The directories of an output. */
export interface OutputTree {
  readonly root: Directory;
  /** A directory below by the hash of its digest; undefined when it is not in the tree. */
  child(hash: string): Directory | undefined;
}

/**
 * Reads a serialized Tree. Its children have no digests of their own: their bytes are hashed as they are, since what
 * another program wrote may be encoded in another way. Throws when it is damaged.
 */
export function readTree(bytes: Uint8Array, hash: (bytes: Uint8Array) => string): OutputTree {
  const reader = new BinaryReader(bytes);
  const children = new Map<string, Uint8Array>();
  let root: Uint8Array = new Uint8Array();
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (type !== WireType.LengthDelimited) reader.skip(type, field);
    else if (field === TreeSchema.field.root.number) root = reader.bytes();
    else if (field === TreeSchema.field.children.number) {
      const child = reader.bytes();
      children.set(hash(child), child);
    } else reader.bytes();
  }
  return {
    root: fromBinary(DirectorySchema, root),
    child: (wanted) => {
      const found = children.get(wanted);
      return found && fromBinary(DirectorySchema, found);
    },
  };
}
