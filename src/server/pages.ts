import { Code } from "@connectrpc/connect";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "../base/clock.ts";
import { relaxGrpcMessage } from "../rpc/rpc.ts";

/** What the server says about itself at `GET /`. */
export interface About {
  readonly name: string;
  readonly version: string;
  /** Address of the documentation. */
  readonly docs: string;
}

const GRPC = /^application\/grpc(?!-web)/i;
const GRPC_WEB = /^application\/grpc-web/i;

/** Less than what those who ask wait for an answer, and more than a database takes that is only busy. */
const READY_WITHIN_MS = 2000;

type Readiness = "ready" | "unavailable" | "draining";

/** What the pages are made of. */
export interface PagesOptions {
  readonly about: About;
  readonly drain: AbortController;
  readonly ready: () => Promise<void>;
  readonly clock: Clock;
}

/** Asks once for all who want to know at the same time; no answer in time is none. */
function createReadiness({ drain, ready, clock }: PagesOptions): () => Promise<Readiness> {
  let asking: Promise<Readiness> | undefined;
  const ask = async (): Promise<Readiness> => {
    try {
      await ready();
      return "ready";
    } catch {
      return "unavailable";
    } finally {
      asking = undefined;
    }
  };
  return async () => {
    if (drain.signal.aborted) return "draining";
    asking ??= ask();
    const late = Promise.withResolvers<Readiness>();
    const timer = clock.after(READY_WITHIN_MS, () => late.resolve("unavailable"));
    const answer = await Promise.race([asking, late.promise]);
    timer.cancel();
    return drain.signal.aborted ? "draining" : answer;
  };
}

/**
 * `GET /`, and the probes `/healthz` (the process lives) and `/readyz`: 503 as soon as it drains, and while what it stands
 * on cannot answer within two seconds.
 */
export function addPages(app: FastifyInstance, options: PagesOptions): void {
  const { about } = options;
  const readiness = createReadiness(options);
  app.get("/", () => about);
  app.get("/healthz", (_request, reply) => {
    reply.header("cache-control", "no-store").send({ status: "ok" });
  });
  app.get("/readyz", async (_request, reply) => {
    const status = await readiness();
    return reply
      .code(status === "ready" ? 200 : 503)
      .header("cache-control", "no-store")
      .send({ status });
  });
}

/** A gRPC client reads the status only from trailers, a gRPC-Web client finds it in the header as well. */
function answerGrpc(reply: FastifyReply, contentType: string, message: string): void {
  const status = {
    "grpc-status": String(Code.Unimplemented),
    "grpc-message": relaxGrpcMessage(encodeURIComponent(message)),
  };
  const { raw } = reply.hijack();
  if (GRPC.test(contentType)) {
    raw.writeHead(200, { "content-type": contentType });
    raw.addTrailers(status);
  } else {
    raw.writeHead(200, { ...reply.getHeaders(), "content-type": contentType, ...status } as Record<string, string>);
  }
  raw.end();
}

function answerNotFound(request: FastifyRequest, reply: FastifyReply): void {
  const path = request.url.split("?", 1)[0] ?? "";
  const message = `unknown method or path: ${path}`;
  const contentType = request.headers["content-type"] ?? "";
  if (GRPC.test(contentType) || GRPC_WEB.test(contentType)) answerGrpc(reply, contentType, message);
  else reply.code(404).send({ code: "unimplemented", message });
}

/** Answers unknown paths as each protocol wants to hear it: UNIMPLEMENTED. */
export function addNotFound(app: FastifyInstance): void {
  app.setNotFoundHandler(answerNotFound);
}
