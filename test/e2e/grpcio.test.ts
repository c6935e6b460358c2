import { test } from "node:test";
import { requireEngine } from "../helpers/e2e-engines.ts";
import { startGrpcio } from "../helpers/e2e-grpcio.ts";
import type { Peer } from "../helpers/e2e-peer.ts";
import { exercisePeer } from "../helpers/e2e-peer-suite.ts";
import { startOpgrid } from "../helpers/e2e-server.ts";

test("Python's grpcio lists, gets, waits for and cancels operations", { timeout: 120_000 }, async (t) => {
  if (!requireEngine(t, "python grpc")) return;
  const server = await startOpgrid(t);
  const ask = startGrpcio(t, `127.0.0.1:${server.port}`);
  await exercisePeer(t, server.url, {
    list: (filter) => ask({ method: "list", filter }),
    get: (name) => ask({ method: "get", name }),
    wait: (name, timeoutMs) =>
      ask({ method: "wait", name, ...(timeoutMs !== undefined && { timeout: `${timeoutMs / 1000}s` }) }),
    cancel: (name) => ask({ method: "cancel", name }),
    tool: (name) => ask({ method: "tool", name }),
  } satisfies Peer);
});
