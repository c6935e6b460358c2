import { once } from "node:events";
import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import type { ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { Execution } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { Operations } from "../../gen/google/longrunning/operations_pb.ts";
import { FarmService } from "../../gen/opgrid/v1/opgrid_pb.ts";

/** What a test's server answers; everything else is UNIMPLEMENTED. */
export interface Answers {
  readonly operations?: Partial<ServiceImpl<typeof Operations>>;
  readonly execution?: Partial<ServiceImpl<typeof Execution>>;
  readonly farm?: Partial<ServiceImpl<typeof FarmService>>;
}

/** A server with only the services that the command line calls, over gRPC without TLS. */
export interface FakeServer {
  readonly url: string;
  /** Cuts all connections and stops listening. */
  stop(): Promise<void>;
  /** Listens again on the same port. */
  start(): Promise<void>;
}

/** Starts it on a free port; it ends with the test. */
export async function startFakeServer(t: TestContext, answers: Answers): Promise<FakeServer> {
  let server: Http2Server | undefined;
  let port = 0;
  const sessions = new Set<ServerHttp2Session>();
  const start = async () => {
    server = createServer(
      connectNodeAdapter({
        routes: (router) => {
          router.service(Operations, answers.operations ?? {});
          router.service(Execution, answers.execution ?? {});
          router.service(FarmService, answers.farm ?? {});
        },
      }),
    );
    server.on("session", (session) => {
      sessions.add(session);
      session.on("close", () => sessions.delete(session));
    });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    port = (server.address() as AddressInfo).port;
  };
  const stop = async () => {
    if (!server) return;
    const closed = once(server, "close");
    server.close();
    for (const session of sessions) session.destroy();
    server = undefined;
    await closed;
  };
  await start();
  t.after(stop);
  return { url: `http://127.0.0.1:${port}`, start, stop };
}
