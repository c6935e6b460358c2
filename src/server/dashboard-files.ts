import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";

/** A file as browsers get it. */
export interface DashboardFile {
  readonly type: string;
  readonly etag: string;
  /** The bytes as they are, and compressed where the build left them so. */
  readonly encodings: Readonly<Record<"identity" | "br" | "gzip", Buffer | undefined>>;
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

function read(path: string): Buffer | undefined {
  return existsSync(path) ? readFileSync(path) : undefined;
}

/**
 * The files of a built dashboard by their paths, as `/assets/index-x.js`. They are kept in memory, some 1.5 MB, so that a
 * build beneath a running server neither breaks it nor mixes two versions. Undefined when there is none.
 */
export function readDashboard(directory: string): ReadonlyMap<string, DashboardFile> | undefined {
  if (!existsSync(join(directory, "index.html"))) return undefined;
  const files = new Map<string, DashboardFile>();
  for (const name of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const path = join(directory, name);
    const identity = readFileSync(path);
    const etag = `"${createHash("sha256").update(identity).digest("base64url").slice(0, 22)}"`;
    const encodings = { identity, br: read(`${path}.br`), gzip: read(`${path}.gz`) };
    files.set(`/${name.replaceAll("\\", "/")}`, { type, etag, encodings });
  }
  return files;
}
