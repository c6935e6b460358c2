import { test } from "node:test";
import type { Page } from "playwright-core";
import { callPage, openPage } from "../helpers/e2e-browser.ts";
import { requireEngine } from "../helpers/e2e-engines.ts";
import type { Peer } from "../helpers/e2e-peer.ts";
import { exercisePeer } from "../helpers/e2e-peer-suite.ts";
import { startOpgrid } from "../helpers/e2e-server.ts";
import type { BrowserProtocol } from "./browser-page.ts";

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
  const call = <T>(method: string, ...args: unknown[]) => callPage<T>(page, url, protocol, method, ...args);
  return {
    list: (filter) => call("list", filter),
    get: (name) => call("get", name),
    wait: (name, timeoutMs) => call("wait", name, timeoutMs),
    cancel: (name) => call("cancel", name),
    tool: (name) => call("tool", name),
  };
}
