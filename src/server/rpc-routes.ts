import type { ServerResponse } from "node:http";
import { type ConnectRouter, type ConnectRouterOptions, createConnectRouter } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { universalRequestFromNodeRequest } from "@connectrpc/connect-node";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "../base/log.ts";
import { nodeTrailers } from "../rpc/rpc.ts";

/** Which calls are answered, and how. */
export interface RpcOptions {
  readonly routes: (router: ConnectRouter) => void;
  readonly router: ConnectRouterOptions;
  readonly log: Logger;
}

/** Waits until the response takes more bytes, or is closed because the client is gone. */
function writable(raw: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      raw.off("drain", done).off("close", done);
      resolve();
    };
    raw.on("drain", done).on("close", done);
  });
}

/** The client's side of a call. */
interface Client {
  gone: boolean;
}

/**
 * Sends a response as fast as the client reads it. When the client goes away the body is told to return, also in the
 * middle of a write: connect-node's own writer waits for ever for a closed HTTP/2 stream to drain, and whatever the
 * handler holds open stays open with it.
 */
async function sendResponse(response: UniversalServerResponse, raw: ServerResponse, client: Client): Promise<void> {
  const chunks = response.body?.[Symbol.asyncIterator]();
  // The handler may set headers until its first message is there.
  let chunk = await chunks?.next();
  if (!client.gone) raw.writeHead(response.status, Object.fromEntries(response.header ?? []));
  while (chunk && !chunk.done && !client.gone) {
    if (!raw.write(chunk.value)) await writable(raw);
    if (!client.gone) chunk = await chunks?.next();
  }
  if (client.gone) {
    await chunks?.return?.();
    return;
  }
  // Only now has the handler set all of its trailers.
  if (response.trailer) raw.addTrailers(nodeTrailers(response.trailer));
  raw.end();
}

async function answer(handler: UniversalHandler, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { raw } = reply;
  const client: Client = { gone: false };
  raw.once("close", () => {
    client.gone = true;
  });
  raw.on("error", () => {});
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) raw.setHeader(name, value);
  }
  const response = await handler(universalRequestFromNodeRequest(request.raw, raw, undefined, undefined));
  await sendResponse(response, raw, client);
}

/** The last resort: handlers turn their own errors into a response. */
function giveUp(raw: ServerResponse, err: Error): void {
  if (raw.headersSent) raw.destroy(err);
  else raw.writeHead(500).end();
}

/** Connect makes a URL of a request and cannot answer one that has no valid authority. */
function refuseBadAuthority(scope: FastifyInstance): void {
  scope.addHook("onRequest", (request, reply, done) => {
    const raw = request.raw as { authority?: string; headers: { host?: string } };
    if (URL.canParse(`http://${raw.authority ?? raw.headers.host ?? ""}`)) return done();
    reply.code(400).send({ code: "invalid_argument", message: "the request names no valid host" });
  });
}

/** Serves every method of the routes by gRPC, gRPC-Web and the Connect protocol. */
export function addRpcRoutes(app: FastifyInstance, { routes, router: options, log }: RpcOptions): void {
  const router = createConnectRouter(options);
  routes(router);
  app.register(async (scope) => {
    refuseBadAuthority(scope);
    // The protocols read the body themselves, and it is they who refuse a content type.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _payload, done) => done(null));
    for (const handler of router.handlers) {
      scope.all(handler.requestPath, (request, reply) => {
        reply.hijack();
        answer(handler, request, reply).catch((err) => {
          log.error({ err, method: handler.requestPath }, "a response could not be sent");
          giveUp(reply.raw, err);
        });
      });
    }
  });
}
