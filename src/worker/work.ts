import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { anyIs, durationMs } from "@bufbuild/protobuf/wkt";
import {
  type Action,
  ActionSchema,
  type Command,
  CommandSchema,
  DigestSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import type { Lease } from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import { type Digest, type DigestFunction, digestKey } from "../base/digests.ts";
import { invalidArgument, invalidField } from "../base/errors.ts";
import { toDigest } from "../base/wire-digests.ts";
import { INSTANCE_PROPERTY } from "../base/wire-names.ts";
import { blobName } from "./blob-names.ts";
import type { InputTree, InputTrees } from "./input-tree.ts";
import type { Inputs } from "./inputs.ts";

/** What a lease wants done. */
export interface Work {
  readonly command: Command;
  readonly tree: InputTree;
  /** The function of all digests of this work. */
  readonly fn: DigestFunction;
  /** 0 for no limit. */
  readonly timeoutMs: number;
}

/** The instance that a lease belongs to; `own` when it does not say. */
export function instanceOf(lease: Lease, own: string): string {
  const named = lease.requirements?.properties.find((property) => property.key === INSTANCE_PROPERTY);
  return named ? named.value : own === "*" ? "" : own;
}

/** Reads what a lease wants, with its whole input tree: its payload is an Action, or the Digest of one. */
export async function readWork(lease: Lease, inputs: Inputs, trees: InputTrees, signal: AbortSignal): Promise<Work> {
  const action = await readAction(lease, inputs, signal);
  const timeoutMs = action.timeout ? durationMs(action.timeout) : 0;
  if (timeoutMs < 0) throw invalidField("timeout", "must not be negative");
  const commandDigest = toDigest(action.commandDigest, 0, "command_digest");
  const inputRoot = toDigest(action.inputRootDigest, 0, "input_root_digest");
  const [command, tree] = await Promise.all([
    readMessage(CommandSchema, commandDigest, inputs, signal),
    trees.fetch(inputRoot, signal),
  ]);
  return { command, tree, fn: commandDigest.fn, timeoutMs };
}

async function readAction({ payload }: Lease, inputs: Inputs, signal: AbortSignal): Promise<Action> {
  if (payload && anyIs(payload, ActionSchema)) return parse(ActionSchema, payload.value, "the payload of the lease");
  if (!payload || !anyIs(payload, DigestSchema)) {
    throw invalidArgument("UNKNOWN_PAYLOAD", `a lease with payload ${payload?.typeUrl || "(none)"} cannot be executed`);
  }
  const digest = toDigest(parse(DigestSchema, payload.value, "the payload of the lease"), 0, "payload");
  return readMessage(ActionSchema, digest, inputs, signal);
}

async function readMessage<D extends DescMessage>(
  schema: D,
  digest: Digest,
  inputs: Inputs,
  signal: AbortSignal,
): Promise<MessageShape<D>> {
  const contents = await inputs.read([digest], signal);
  return parse(schema, contents.get(digestKey(digest)) as Uint8Array, blobName(digest));
}

function parse<D extends DescMessage>(schema: D, bytes: Uint8Array, shown: string): MessageShape<D> {
  try {
    return fromBinary(schema, bytes);
  } catch {
    throw invalidArgument("MALFORMED_MESSAGE", `${shown} is no ${schema.typeName}`);
  }
}
