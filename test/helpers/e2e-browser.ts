import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Page } from "playwright-core";
import type { BrowserAnswer, BrowserProtocol } from "../e2e/browser-page.ts";
import { openBrowser } from "./chromium.ts";

const pageScript = fileURLToPath(new URL("../e2e/browser-page.ts", import.meta.url));

/** Calls a method that the page has; refusals reject with an error whose `code` is the number of the gRPC code. */
export async function callPage<T>(
  page: Page,
  url: string,
  protocol: BrowserProtocol,
  method: string,
  ...args: unknown[]
): Promise<T> {
  type Call = (url: string, protocol: string, method: string, ...args: unknown[]) => Promise<BrowserAnswer>;
  const answer = await page.evaluate(
    ([url, protocol, method, args]) =>
      (globalThis as unknown as { callPeer: Call }).callPeer(url, protocol, method, ...args),
    [url, protocol, method, args] as const,
  );
  if ("code" in answer) throw Object.assign(new Error(answer.message), { code: answer.code });
  return answer.result as T;
}

/**
 * Opens `browser-page.ts` in Chromium, from another origin than the server's; it is closed when the test ends. What the
 * browser complains of is shown when the test fails.
 */
export async function openPage(t: TestContext): Promise<Page> {
  const { outputFiles } = await build({ entryPoints: [pageScript], bundle: true, write: false, format: "iife" });
  const html = `<!doctype html><title>opgrid</title><script>${outputFiles[0]?.text}</script>`;
  const files = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(html);
  }).listen(0, "127.0.0.1");
  await once(files, "listening");
  t.after(() => files.close().closeAllConnections());

  const page = await (await openBrowser(t)).newPage();
  await page.goto(`http://127.0.0.1:${(files.address() as AddressInfo).port}/`);
  assert.equal(await page.title(), "opgrid");
  return page;
}
