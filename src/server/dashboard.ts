import { existsSync } from "node:fs";
import type { ServerResponse } from "node:http";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import sirv, { type RequestHandler } from "sirv";

/** What the server says about itself at `GET /` to whoever is no browser. */
export interface About {
  readonly name: string;
  readonly version: string;
  /** Address of the documentation. */
  readonly docs: string;
}

/** What browsers get. */
export interface DashboardOptions {
  /** The directory that `npm run build:dashboard` makes; undefined for no dashboard. */
  readonly directory: string | undefined;
  readonly about: About;
}

/** The addresses that the dashboard shows pages at, as `dashboard/src/location/paths.ts` makes them. */
const PAGES = ["/operations/*", "/invocations", "/invocations/*", "/workers", "/overview"];
const YEAR_SECONDS = 31_536_000;

/** The page loads its own files and calls its own server, and nothing else; what actions print can never be script. */
const HEADERS = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "cross-origin-opener-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

const NOT_BUILT = "The dashboard is not built. Run `npm run build:dashboard` where the server was installed.\n";

function setHeaders(response: ServerResponse): void {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
}

function answer(handler: RequestHandler, request: FastifyRequest, reply: FastifyReply): void {
  reply.hijack();
  handler(request.raw, reply.raw, () => {
    reply.raw.writeHead(404, { "content-type": "text/plain; charset=utf-8" }).end("There is no such file.\n");
  });
}

/**
 * The dashboard at `/` and its other pages for browsers, from files that are read as they were at the start. Whoever does
 * not ask for HTML is told at `/` what this is.
 */
export function addDashboard(app: FastifyInstance, { directory, about }: DashboardOptions): void {
  const isBuilt = directory !== undefined && existsSync(directory);
  const page = isBuilt
    ? sirv(directory, { single: true, ignores: false, brotli: true, gzip: true, etag: true, maxAge: 0, setHeaders })
    : undefined;
  const showPage = (request: FastifyRequest, reply: FastifyReply) => {
    if (page) return answer(page, request, reply);
    reply.code(404).type("text/plain; charset=utf-8").send(NOT_BUILT);
  };
  app.get("/", (request, reply) => {
    const isBrowser = request.headers.accept?.includes("text/html") ?? false;
    if (directory === undefined || !isBrowser) return reply.header("vary", "Accept, Origin").send(about);
    return showPage(request, reply);
  });
  if (directory === undefined) return;
  for (const path of PAGES) app.get(path, showPage);
  if (!isBuilt) return;
  const files = sirv(directory, { brotli: true, gzip: true, immutable: true, maxAge: YEAR_SECONDS, setHeaders });
  app.get("/assets/*", (request, reply) => answer(files, request, reply));
  app.get("/icon.svg", showPage);
}
