import { create, toBinary } from "@bufbuild/protobuf";
import { encodeBinaryHeader } from "@connectrpc/connect";
import type { Command } from "commander";
import { RequestMetadataSchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { version } from "./version.ts";

/** What a call may say of the build that it is made for, as commander hands it over; bgd has the same flags. */
export interface MetadataFlags {
  readonly actionId?: string;
  readonly invocationId?: string;
  readonly correlationId?: string;
}

/** Adds the flags. */
export function withMetadataFlags(command: Command): Command {
  return command
    .option("--action-id <id>", "sent with the call, as REAPI's RequestMetadata")
    .option("--invocation-id <id>", "the same")
    .option("--correlation-id <id>", "the same");
}

/** The headers that say it; none when the flags say nothing. */
export function metadataHeaders({ actionId = "", invocationId = "", correlationId = "" }: MetadataFlags) {
  if (actionId + invocationId + correlationId === "") return {};
  const metadata = create(RequestMetadataSchema, {
    toolDetails: { toolName: "opgrid", toolVersion: version() },
    actionId,
    toolInvocationId: invocationId,
    correlatedInvocationsId: correlationId,
  });
  const encoded = encodeBinaryHeader(toBinary(RequestMetadataSchema, metadata));
  return { "build.bazel.remote.execution.v2.requestmetadata-bin": encoded };
}
