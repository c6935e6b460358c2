import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type DashboardFile, readDashboard } from "./dashboard-files.ts";

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
const FOR_EVER = "public, max-age=31536000, immutable";

/** The smallest form of a file that the browser takes. */
function encodingFor({ encodings }: DashboardFile, accepted: string): "identity" | "br" | "gzip" {
  const takes = (name: string) => new RegExp(`(^|[\\s,])${name}\\s*(,|;(?!\\s*q=0(\\.0*)?\\s*(,|$))|$)`).test(accepted);
  if (encodings.br && takes("br")) return "br";
  return encodings.gzip && takes("gzip") ? "gzip" : "identity";
}

function isBrowser({ headers }: FastifyRequest): boolean {
  return headers.accept?.includes("text/html") ?? false;
}

function send(file: DashboardFile, cacheControl: string, request: FastifyRequest, reply: FastifyReply): void {
  const { type, etag, encodings } = file;
  reply.headers({ ...HEADERS, etag, "cache-control": cacheControl, vary: "Accept, Accept-Encoding, Origin" });
  if (request.headers["if-none-match"] === etag) return void reply.code(304).send();
  const encoding = encodingFor(file, String(request.headers["accept-encoding"] ?? ""));
  if (encoding !== "identity") reply.header("content-encoding", encoding);
  reply.type(type).send(encodings[encoding]);
}

/**
 * The dashboard at `/` and its other pages for browsers. Whoever does not ask for HTML is told at `/` what this is. Files
 * whose names change with what is in them are kept by browsers for good, the others are asked for anew each time.
 */
export function addDashboard(app: FastifyInstance, { directory, about }: DashboardOptions): void {
  const files = directory === undefined ? undefined : readDashboard(directory);
  const page = files?.get("/index.html");
  const showPage = (request: FastifyRequest, reply: FastifyReply) => {
    if (page) return send(page, "no-cache", request, reply);
    reply.code(404).type("text/plain; charset=utf-8").send(NOT_BUILT);
  };
  app.get("/", (request, reply) => {
    if (directory === undefined || !isBrowser(request)) return reply.header("vary", "Accept, Origin").send(about);
    return showPage(request, reply);
  });
  if (directory === undefined) return;
  for (const path of PAGES) app.get(path, showPage);
  for (const [path, file] of files ?? []) {
    if (file === page) continue;
    const cacheControl = path.startsWith("/assets/") ? FOR_EVER : "no-cache";
    app.get(path, (request, reply) => send(file, cacheControl, request, reply));
  }
  if (!page) return;
  // A mistyped address: the page says so, with the way on.
  app.get("/*", (request, reply) => {
    if (isBrowser(request)) send(page, "no-cache", request, reply.code(404));
    else reply.callNotFound();
  });
}
