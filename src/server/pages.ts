import { Code } from "@connectrpc/connect";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Readiness } from "../base/readiness.ts";
import { relaxGrpcMessage } from "../rpc/rpc.ts";

const GRPC = /^application\/grpc(?!-web)/i;
const GRPC_WEB = /^application\/grpc-web/i;

/** What the pages are made of. */
export interface PagesOptions {
  readonly readiness: Readiness;
}

/**
 * The probes `/healthz` (the process lives) and `/readyz`: 503 as soon as it drains, and while what it stands
 * on cannot answer within two seconds.
 */
export function addPages(app: FastifyInstance, { readiness }: PagesOptions): void {
  app.get("/healthz", (_request, reply) => {
    reply.header("cache-control", "no-store").send({ status: "ok" });
  });
  app.get("/readyz", async (_request, reply) => {
    const status = await readiness.now();
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
