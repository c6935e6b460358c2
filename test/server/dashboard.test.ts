import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { fastify } from "fastify";
import { addDashboard } from "../../src/server/dashboard.ts";

const about = { name: "opgrid", version: "0.0.0", docs: "" };
const HTML = "<!doctype html><title>opgrid</title>";
const SCRIPT = "console.log(1);".repeat(100);
const BROWSER = { accept: "text/html,*/*;q=0.8" };

function builtDashboard(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "opgrid-dashboard-"));
  t.after(() => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, "assets"));
  for (const [name, text] of [
    ["index.html", HTML],
    ["assets/index-1.js", SCRIPT],
  ] as const) {
    writeFileSync(join(directory, name), text);
    writeFileSync(join(directory, `${name}.br`), brotliCompressSync(text));
    writeFileSync(join(directory, `${name}.gz`), gzipSync(text));
  }
  return directory;
}

function serve(t: TestContext, directory: string | undefined) {
  const app = fastify();
  t.after(() => app.close());
  addDashboard(app, { directory, about });
  return (url: string, headers: Record<string, string> = BROWSER) => app.inject({ url, headers });
}

test("shows browsers the same page at each of its addresses, and others what this is", async (t) => {
  const get = serve(t, builtDashboard(t));
  for (const path of [
    "/",
    "/?filter=done",
    "/operations/main/1.2/3",
    "/invocations",
    "/invocations/a%2Fb",
    "/workers",
  ]) {
    const { statusCode, body, headers } = await get(path);
    assert.deepEqual([statusCode, body], [200, HTML], path);
    assert.match(String(headers["content-security-policy"]), /^default-src 'none'; script-src 'self';/);
    assert.equal(headers["cache-control"], "no-cache");
  }
  assert.deepEqual((await get("/", { accept: "*/*" })).json(), about);
  assert.equal((await get("/assets/index-2.js")).statusCode, 404);
});

test("shows browsers the page at an address that is none of its pages, as not found", async (t) => {
  const get = serve(t, builtDashboard(t));
  const { statusCode, body } = await get("/no/such/page");
  assert.deepEqual([statusCode, body], [404, HTML]);
  const other = await get("/no/such/page", { accept: "application/json" });
  assert.equal(other.statusCode, 404);
  assert.notEqual(other.body, HTML);
});

test("sends what the build compressed to whoever takes it", async (t) => {
  const get = serve(t, builtDashboard(t));
  const compressed = await get("/assets/index-1.js", { "accept-encoding": "gzip, deflate, br" });
  assert.equal(compressed.headers["content-encoding"], "br");
  assert.deepEqual(compressed.rawPayload, brotliCompressSync(SCRIPT));
  assert.match(String(compressed.headers["cache-control"]), /immutable/);
  const encodings = ["gzip", "br;q=0, gzip;q=0.5", "br;q=0", "vibrant", "identity"].map(async (accepted) => {
    return (await get("/assets/index-1.js", { "accept-encoding": accepted })).headers["content-encoding"];
  });
  assert.deepEqual(await Promise.all(encodings), ["gzip", "gzip", undefined, undefined, undefined]);
  assert.equal((await get("/assets/index-1.js", {})).body, SCRIPT);
});

test("a browser that has the page is not sent it again", async (t) => {
  const get = serve(t, builtDashboard(t));
  const { headers } = await get("/");
  const again = await get("/", { ...BROWSER, "if-none-match": String(headers.etag) });
  assert.deepEqual([again.statusCode, again.body], [304, ""]);
});

test("a build beneath a running server changes nothing until it is started again", async (t) => {
  const directory = builtDashboard(t);
  const get = serve(t, directory);
  writeFileSync(join(directory, "index.html"), "another");
  rmSync(join(directory, "assets"), { recursive: true });
  assert.equal((await get("/")).body, HTML);
  assert.equal((await get("/assets/index-1.js")).body, SCRIPT);
  assert.equal((await serve(t, directory)("/", { accept: "text/html" })).body, "another");
});

test("says what to do when the dashboard is not built, and nothing of it when it is not wanted", async (t) => {
  const unbuilt = serve(t, join(tmpdir(), "opgrid-there-is-none"));
  const { statusCode, body } = await unbuilt("/");
  assert.equal(statusCode, 404);
  assert.match(body, /npm run build:dashboard/);
  const unwanted = serve(t, undefined);
  assert.deepEqual((await unwanted("/")).json(), about);
  assert.equal((await unwanted("/workers")).statusCode, 404);
});
