import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium, type Page } from "playwright-core";
import { requireEngine } from "../helpers/e2e-engines.ts";
import type { Peer } from "../helpers/e2e-peer.ts";
import { exercisePeer } from "../helpers/e2e-peer-suite.ts";
import { startOpgrid } from "../helpers/e2e-server.ts";
import type { BrowserAnswer, BrowserProtocol } from "./browser-page.ts";

const pageScript = fileURLToPath(new URL("browser-page.ts", import.meta.url));

for (const protocol of ["gRPC-Web", "Connect JSON", "Connect binary", "Connect GET"] as const) {
  const title = `connect-web in Chromium lists, gets, waits for and cancels operations by ${protocol}`;
  test(title, { timeout: 120_000 }, async (t) => {
    if (!requireEngine(t, "chromium")) return;
    const server = await startOpgrid(t);
    const page = await openPage(t);
    await exercisePeer(t, server.url, pagePeer(page, server.url, protocol));
  });
}

function pagePeer(page: Page, url: string, protocol: BrowserProtocol): Peer {
  type Call = (url: string, protocol: string, method: string, ...args: unknown[]) => Promise<BrowserAnswer>;
  const call = async <T>(...call: unknown[]): Promise<T> => {
    const answer = await page.evaluate(
      ([url, protocol, call]) => (globalThis as unknown as { callPeer: Call }).callPeer(url, protocol, ...call),
      [url, protocol, call as [string, ...unknown[]]] as const,
    );
    if ("code" in answer) throw Object.assign(new Error(answer.message), { code: answer.code });
    return answer.result as T;
  };
  return {
    list: (filter) => call("list", filter),
    get: (name) => call("get", name),
    wait: (name, timeoutMs) => call("wait", name, timeoutMs),
    cancel: (name) => call("cancel", name),
    tool: (name) => call("tool", name),
  };
}

/** A page of another origin than the server's, with the script in it. What the browser complains of is shown when the test fails. */
async function openPage(t: TestContext): Promise<Page> {
  const { outputFiles } = await build({ entryPoints: [pageScript], bundle: true, write: false, format: "iife" });
  const html = `<!doctype html><title>opgrid</title><script>${outputFiles[0]?.text}</script>`;
  const files = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(html);
  }).listen(0, "127.0.0.1");
  await once(files, "listening");
  t.after(() => files.close().closeAllConnections());

  const profile = mkdtempSync(join(tmpdir(), "opgrid-chromium-"));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  const complaints: string[] = [];
  t.after(async () => {
    if (!t.passed) t.diagnostic(`the browser's console:\n${complaints.join("\n")}`);
    await browser.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  });
  const page = await browser.newPage();
  page.on("console", (message) => void complaints.push(message.text()));
  await page.goto(`http://127.0.0.1:${(files.address() as AddressInfo).port}/`);
  assert.equal(await page.title(), "opgrid");
  return page;
}
