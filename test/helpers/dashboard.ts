import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { CDPSession, Page } from "playwright-core";
import { type Browser, type BrowserLooks, openBrowser } from "./chromium.ts";

const root = join(import.meta.dirname, "../..");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** How a page of the dashboard is opened. */
export interface DashboardOptions extends BrowserLooks {
  /** One that is there already, as several tests of a file share; a new one by default. */
  readonly browser?: Browser;
}

/** A page of the dashboard. */
export interface Dashboard {
  readonly page: Page;
  readonly protocol: CDPSession;
  /** Goes to an address of the same server, as `/workers`. */
  open(path: string): Promise<void>;
  /** Looks for what makes the page hard to use for some: fails on what axe-core calls serious or critical. */
  checkAccessibility(): Promise<void>;
  /** Fails when the page is wider than the window. */
  checkWidth(): Promise<void>;
  /** The longest task of the page since this was called last, in milliseconds; 0 when none took 50. */
  longestTaskMs(): Promise<number>;
  /** What scripts keep alive, in bytes. */
  heapBytes(): Promise<number>;
}

/** A server that is away is no fault of the page. */
const AWAY = /net::ERR_(CONNECTION|INCOMPLETE|EMPTY|NETWORK)/;

/**
 * Opens the dashboard of a server in Chromium. When the test ends, whatever the browser complained of fails it, except
 * for a server that is away; a Content-Security-Policy that was violated is a complaint. So does a dialog of a script,
 * or a request to another server.
 */
export async function openDashboard(
  t: TestContext,
  url: string,
  path: string,
  { browser, ...looks }: DashboardOptions = {},
): Promise<Dashboard> {
  const { context } = browser ?? (await openBrowser(t));
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const complaints = watchPage(page, url);
  t.after(async () => {
    if (!t.passed) await keepScreenshot(page, `failed ${t.name}`.replaceAll(/[^\w,-]+/g, "-")).catch(() => undefined);
    await page.close();
    assert.deepEqual(complaints, [], "the browser complained");
  });
  if (looks.viewport) await page.setViewportSize(looks.viewport);
  await page.emulateMedia({ colorScheme: looks.colorScheme ?? "light", reducedMotion: "reduce" });
  await page.addInitScript(noteLongTasks);
  const open = async (where: string) => void (await page.goto(new URL(where, url).href));
  await open(path);
  const protocol = await context.newCDPSession(page);
  return {
    page,
    protocol,
    open,
    checkAccessibility: () => checkAccessibility(page),
    checkWidth: () => checkWidth(page),
    longestTaskMs: () =>
      page.evaluate(() => {
        const { longTasks } = globalThis as unknown as { longTasks: number[] };
        return Math.max(0, ...longTasks.splice(0));
      }),
    heapBytes: async () => {
      await protocol.send("HeapProfiler.collectGarbage");
      return (await protocol.send("Runtime.getHeapUsage")).usedSize;
    },
  };
}

/** Everything that a page should not do, as it happens. */
function watchPage(page: Page, url: string): readonly string[] {
  const complaints: string[] = [];
  page.on("console", (message) => {
    const text = message.text();
    const isUnknownPage = message.location().url === page.url() && / 404 /.test(text);
    const isComplaint = ["error", "warning"].includes(message.type()) && !AWAY.test(text) && !isUnknownPage;
    if (isComplaint) complaints.push(text);
  });
  page.on("pageerror", (error) => void complaints.push(String(error)));
  page.on("dialog", async (dialog) => {
    complaints.push(`a script says ${dialog.message()}`);
    await dialog.dismiss();
  });
  page.on("request", (request) => {
    const { origin } = new URL(request.url());
    if (origin !== new URL(url).origin) complaints.push(`asks ${request.url()}`);
  });
  return complaints;
}

function noteLongTasks(): void {
  const seen: number[] = [];
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) seen.push(duration);
  }).observe({ entryTypes: ["longtask"] as never[] });
  Object.assign(globalThis, { longTasks: seen });
}

async function checkAccessibility(page: Page): Promise<void> {
  await page.evaluate(axe);
  const findings = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: Finding[] }> } };
    const { violations } = await axe.run();
    return violations.map(({ id, impact, nodes }) => ({
      ...{ id, impact },
      at: nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`),
    }));
  });
  const serious = findings.filter(({ impact }) => impact === "serious" || impact === "critical");
  assert.deepEqual(serious, [], `of ${page.url()}`);
}

interface Finding {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

async function checkWidth(page: Page): Promise<void> {
  const widths = await page.evaluate(() => {
    const { document } = globalThis as unknown as { document: { querySelectorAll(of: string): Iterable<Box> } };
    return [...document.querySelectorAll("html, main")].map(({ scrollWidth, clientWidth }) => [
      scrollWidth,
      clientWidth,
    ]);
  });
  for (const [content = 0, room = 0] of widths) assert(content <= room, `${page.url()}: ${content} > ${room} pixels`);
}

interface Box {
  readonly scrollWidth: number;
  readonly clientWidth: number;
}

/** Keeps what a page looks like in `coverage/screenshots`, for people. */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
  const directory = join(root, "coverage/screenshots");
  mkdirSync(directory, { recursive: true });
  await page.screenshot({ path: join(directory, `${name}.png`) });
}
