import { cors } from "@connectrpc/connect";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

const PREFLIGHT_MAX_AGE_SECONDS = 7200;
const REQUEST_METADATA = "build.bazel.remote.execution.v2.requestmetadata-bin";
const CLIENT_IDENTITY = "buildgrid.v2.clientidentity-bin";
/** Trailers of unary calls, which the Connect protocol sends as headers with a prefix. */
const TRAILERS = [REQUEST_METADATA, CLIENT_IDENTITY];

const ALLOWED_METHODS = cors.allowedMethods.join(", ");
const ALLOWED_HEADERS = [
  ...cors.allowedHeaders,
  "Authorization",
  REQUEST_METADATA,
  "x-request-actor",
  "x-request-subject",
  "x-request-workflow",
].join(", ");
const EXPOSED_HEADERS = [...cors.exposedHeaders, ...TRAILERS, ...TRAILERS.map((name) => `trailer-${name}`)].join(", ");

function isPreflight(request: FastifyRequest): boolean {
  return request.method === "OPTIONS" && request.headers["access-control-request-method"] !== undefined;
}

function answerPreflight(reply: FastifyReply): void {
  reply
    .code(204)
    .header("access-control-allow-methods", ALLOWED_METHODS)
    .header("access-control-allow-headers", ALLOWED_HEADERS)
    .header("access-control-max-age", PREFLIGHT_MAX_AGE_SECONDS)
    .send();
}

/**
 * Lets pages of the given origins call every service from a browser, by Connect and by gRPC-Web. `*` is any origin; no
 * origin at all switches cross-origin calls off.
 */
export function addCors(app: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return;
  const anyOrigin = origins.includes("*");
  const allowed = new Set(origins);
  app.addHook("onRequest", (request, reply, done) => {
    const { origin } = request.headers;
    if (!anyOrigin) reply.header("vary", "Origin");
    if (origin === undefined || !(anyOrigin || allowed.has(origin))) return done();
    reply.header("access-control-allow-origin", anyOrigin ? "*" : origin);
    if (isPreflight(request)) return answerPreflight(reply);
    reply.header("access-control-expose-headers", EXPOSED_HEADERS);
    done();
  });
}
