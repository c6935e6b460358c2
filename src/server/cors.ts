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

const LOOPBACK_HOST = /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/;
const LOOPBACK_ADDRESS = /^(::ffff:)?127\.|^::1$/;

/** Says which pages may call, for a request that a browser says is made for a page of the origin. */
function createPolicy(origins: readonly string[]) {
  const listed = new Set(origins);
  return (origin: string, request: FastifyRequest): boolean => {
    if (listed.has("*") || listed.has(origin)) return true;
    if (!URL.canParse(origin)) return false;
    const { host, hostname } = new URL(origin);
    if (LOOPBACK_HOST.test(hostname)) return listed.has("loopback") || host === request.host;
    // A name that somebody points at this machine's loopback address is no reason to trust the pages of that name.
    return host === request.host && !LOOPBACK_ADDRESS.test(request.socket.localAddress ?? "");
  };
}

/** What every response begins with, also one to a request that comes from no page. */
export function corsHeaders(origins: readonly string[]): Readonly<Record<string, string>> {
  return origins.includes("*") ? {} : { vary: "Origin" };
}

/**
 * Lets pages of the given origins call every service from a browser, by Connect and by gRPC-Web: `*` is any origin,
 * `loopback` any page served from the user's own machine; pages of this server itself always may. A request for a page of
 * another origin is refused before any service sees it, so that no web site can use the farm of a visitor.
 */
export function addCors(app: FastifyInstance, origins: readonly string[]): void {
  const mayCall = createPolicy(origins);
  const always = corsHeaders(origins);
  const allowOrigin = origins.includes("*") ? () => "*" : (origin: string) => origin;
  app.addHook("onRequest", (request, reply, done) => {
    const { origin } = request.headers;
    reply.headers(always);
    if (origin === undefined) return done();
    if (!mayCall(origin, request)) {
      reply
        .code(403)
        .send({ code: "permission_denied", message: `pages of ${origin} may not call: cors.allowed_origins` });
      return;
    }
    reply.header("access-control-allow-origin", allowOrigin(origin));
    if (isPreflight(request)) return answerPreflight(reply);
    reply.header("access-control-expose-headers", EXPOSED_HEADERS);
    done();
  });
}
