import { readFileSync } from "node:fs";
import { type Client, createClient } from "@connectrpc/connect";
import type { Command } from "commander";
import { Execution } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { Operations } from "../../gen/google/longrunning/operations_pb.ts";
import { FarmService } from "../../gen/opgrid/v1/opgrid_pb.ts";
import { withoutPasswords } from "../base/secrets.ts";
import { otherVariables } from "../config/config.ts";
import { type Connection, openConnection } from "../worker/worker.ts";
import { type MetadataFlags, metadataHeaders } from "./call-metadata.ts";
import { UsageError } from "./failure.ts";
import type { Shell } from "./shell.ts";

/** The flags of every command that calls a server, as commander hands them over. */
export interface RemoteFlags extends MetadataFlags {
  readonly remote?: string;
  readonly instanceName?: string;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly authToken?: string;
}

const DEFAULT_REMOTE = "http://127.0.0.1:50051";

/** Adds the flags that say which server is meant, and how to reach it. `otherwise`: what no instance name means. */
export function withRemoteFlags(command: Command, otherwise = "default the empty name"): Command {
  return command
    .optionsGroup("Server:")
    .option("--remote <url>", `http(s)://, grpc(s):// (env ${otherVariables.remote}; default ${DEFAULT_REMOTE})`)
    .option(
      "--instance, --instance-name <name>",
      `the instance meant (env ${otherVariables.instanceName}; ${otherwise})`,
    )
    .option("--auth-token <file>", `file with a bearer token (env ${otherVariables.authToken})`)
    .option("--server-cert, --tls-ca <file>", "PEM file with the authorities to trust instead of the system's")
    .option("--client-cert, --tls-cert <file>", "PEM file with the certificate to show")
    .option("--client-key, --tls-key <file>", "PEM file with its private key");
}

function readText(flag: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`${flag}: cannot read ${path}: ${(error as Error).message}`);
  }
}

/** Where and how to call, read from flags and environment. Throws a UsageError for what cannot be used. */
export interface Remote {
  readonly remote: string;
  /** Undefined when neither flag nor environment names one. */
  readonly instanceName: string | undefined;
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly headers: Readonly<Record<string, string>>;
}

const REMOTE = /^(?:(?:https?|grpcs?):\/\/)?[^/?#\s@]+\/?$/i;

/** Reads flags, environment and the files that they name. Throws a UsageError for what cannot be used. */
export function remoteOf(flags: RemoteFlags, shell: Shell): Remote {
  const remote = flags.remote ?? (shell.env[otherVariables.remote] || DEFAULT_REMOTE);
  if (!REMOTE.test(remote))
    throw new UsageError(`--remote: must be like ${DEFAULT_REMOTE}, not ${withoutPasswords(JSON.stringify(remote))}`);
  const token = readText("--auth-token", flags.authToken ?? (shell.env[otherVariables.authToken] || undefined))?.trim();
  const ca = readText("--tls-ca", flags.tlsCa);
  const cert = readText("--tls-cert", flags.tlsCert);
  const key = readText("--tls-key", flags.tlsKey);
  if ((cert === undefined) !== (key === undefined)) throw new UsageError("--tls-cert and --tls-key go together");
  return {
    remote,
    instanceName: flags.instanceName ?? shell.env[otherVariables.instanceName],
    tls: { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) },
    headers: { ...(token && { authorization: `Bearer ${token}` }), ...metadataHeaders(flags) },
  };
}

/** The services of one server, called over one connection that closes with this object. */
export interface Clients extends Disposable {
  readonly operations: Client<typeof Operations>;
  readonly execution: Client<typeof Execution>;
  readonly farm: Client<typeof FarmService>;
  /** The instance of names that say none. */
  readonly instanceName: string;
}

/** Opens a connection to the server that flags and environment name. */
export function openClients(flags: RemoteFlags, shell: Shell): Clients {
  const { instanceName = "", ...remote } = remoteOf(flags, shell);
  const connection: Connection = openConnection(remote);
  return {
    operations: createClient(Operations, connection.transport),
    execution: createClient(Execution, connection.transport),
    farm: createClient(FarmService, connection.transport),
    instanceName,
    [Symbol.dispose]: () => connection.close(),
  };
}

/** The full name of an operation: a name with a slash is one, anything else is an id in the instance. */
export function fullName(clients: Clients, name: string): string {
  return name.includes("/") || clients.instanceName === "" ? name : `${clients.instanceName}/${name}`;
}
