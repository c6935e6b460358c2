import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { DescService } from "@bufbuild/protobuf";
import { type Client, createClient, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { type App, createApp } from "../../src/app.ts";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { type Logger, silentLog } from "../../src/base/log.ts";
import { loadConfig } from "../../src/config/config.ts";
import { publicTypes } from "../../src/rpc/rpc.ts";
import { testFastPath } from "./fast-path.ts";

/** A server of the real parts, on a free loopback port, without bots. */
export interface TestServer {
  readonly app: App;
  readonly url: string;
  readonly dataDir: string;
  /** A gRPC client of a service. */
  client<S extends DescService>(service: S): Client<S>;
}

/** The transports of the three protocols, over the HTTP version that suits each. */
export const transports: Readonly<Record<string, (baseUrl: string) => Transport>> = {
  gRPC: (baseUrl) => createGrpcTransport({ baseUrl }),
  "gRPC-Web": (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
  "Connect, binary": (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2" }),
  "Connect, JSON": (baseUrl) =>
    createConnectTransport({
      ...{ baseUrl, httpVersion: "1.1", useBinaryFormat: false },
      jsonOptions: { registry: publicTypes },
    }),
  "Connect, GET": (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1", useHttpGet: true }),
};

/** Starts a server with the settings given as flags; it is closed, and what it kept removed, when the test ends. */
export async function startServer(
  t: TestContext,
  flags: Record<string, string> = {},
  log: Logger = silentLog,
  clock: Clock = systemClock,
): Promise<TestServer> {
  const dataDir = flags["data-dir"] ?? (await mkdtemp(join(tmpdir(), "opgrid-server-")));
  const fastPath = { "limits-fast-path": String(testFastPath) };
  const config = loadConfig({
    flags: { listen: "127.0.0.1:0", "data-dir": dataDir, bots: "0", ...fastPath, ...flags },
  });
  const app = await createApp(config, { log, clock, version: "test" });
  const sessionManager = new Http2SessionManager(app.url);
  t.after(async () => {
    sessionManager.abort();
    await app.close();
    if (flags["data-dir"] === undefined) await rm(dataDir, { recursive: true, force: true });
  });
  const transport = createGrpcTransport({ baseUrl: app.url, sessionManager });
  return { app, url: app.url, dataDir, client: (service) => createClient(service, transport) };
}
