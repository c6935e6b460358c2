import { type JsonObject, toJson } from "@bufbuild/protobuf";
import { decodeBinaryHeader } from "@connectrpc/connect";
import type { Command } from "commander";
import {
  type RequestMetadata,
  RequestMetadataSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { type ClientIdentity, ClientIdentitySchema } from "../../gen/build/buildgrid/identity_pb.ts";
import type { Operation } from "../../gen/google/longrunning/operations_pb.ts";
import { type Clients, fullName, type RemoteFlags } from "./client.ts";
import { type CommandContext, remoteCommand, withExamples } from "./command.ts";
import { ExitCode } from "./exit-codes.ts";
import { operationJson } from "./operation-json.ts";
import type { Shell } from "./shell.ts";
import { summarize } from "./summary.ts";
import { describe, lines } from "./summary-text.ts";

interface GetFlags extends RemoteFlags {
  readonly json?: true;
}

/** What the server remembers of the call that made the operation; it rides in trailers. */
interface Origin {
  readonly requestMetadata: RequestMetadata | undefined;
  readonly identity: ClientIdentity | undefined;
}

function originOf(trailers: Headers): Origin {
  const decode = <T>(name: string, read: (text: string) => T): T | undefined => {
    const text = trailers.get(name);
    try {
      return text === null ? undefined : read(text);
    } catch {
      return undefined;
    }
  };
  return {
    requestMetadata: decode("build.bazel.remote.execution.v2.requestmetadata-bin", (text) =>
      decodeBinaryHeader(text, RequestMetadataSchema),
    ),
    identity: decode("buildgrid.v2.clientidentity-bin", (text) => decodeBinaryHeader(text, ClientIdentitySchema)),
  };
}

function describeOrigin({ requestMetadata: request, identity }: Origin): [string, string][] {
  const tool = request?.toolDetails;
  return [
    ["tool", [tool?.toolName, tool?.toolVersion].filter(Boolean).join(" ")],
    ["target", request?.targetId ?? ""],
    ["mnemonic", request?.actionMnemonic ?? ""],
    ["invocation", request?.toolInvocationId ?? ""],
    ["correlated", request?.correlatedInvocationsId ?? ""],
    ["configuration", request?.configurationId ?? ""],
    ["actor", identity?.actor ?? ""],
    ["subject", identity?.subject ?? ""],
    ["workflow", identity?.workflow ?? ""],
  ];
}

function asJson(operation: Operation, { requestMetadata, identity }: Origin): JsonObject {
  return {
    ...operationJson(operation),
    ...(requestMetadata && { requestMetadata: toJson(RequestMetadataSchema, requestMetadata) }),
    ...(identity && { clientIdentity: toJson(ClientIdentitySchema, identity) }),
  };
}

async function get(clients: Clients, flags: GetFlags, name: string, shell: Shell): Promise<number> {
  let origin = originOf(new Headers());
  const operation = await clients.operations.getOperation(
    { name: fullName(clients, name) },
    { signal: shell.signal, onTrailer: (trailers) => (origin = originOf(trailers)) },
  );
  if (flags.json) shell.out(`${JSON.stringify(asJson(operation, origin), undefined, 2)}\n`);
  else shell.out(lines([...describe(summarize(operation), shell.clock.now()), ...describeOrigin(origin)]));
  return ExitCode.OK;
}

/** `opgrid operation get`. */
export function addGet(parent: Command, context: CommandContext): void {
  const command = parent
    .command("get")
    .alias("status")
    .argument("<name>", "`<instance>/<id>`, or an id in the instance of --instance-name")
    .summary("show one operation")
    .description("Shows what is known of one operation, and who asked for it.")
    .option("--json", "as JSON: a google.longrunning.Operation with requestMetadata and clientIdentity beside")
    .option("--show-request-metadata", "accepted for scripts that were written for bgd; it is always shown");
  remoteCommand<GetFlags, [string]>(command, context, (clients, flags, name) =>
    get(clients, flags, name, context.shell),
  );
  withExamples(command, "opgrid operation get main/0198c0de-0000-7000-8000-000000000000");
}
