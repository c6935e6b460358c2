import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Page } from "playwright-core";
import { type Browser, type BrowserLooks, openBrowser } from "./chromium.ts";

const root = join(import.meta.dirname, "../..");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** A page of the dashboard. */
export interface Dashboard {
  readonly page: Page;
  readonly browser: Browser;
  /** Goes to an address of the same server, as `/workers`. */
  open(path: string): Promise<void>;
  /** Looks for what makes the page hard to use for some: fails on what axe-core calls serious or critical. */
  checkAccessibility(): Promise<void>;
  /** The longest task of the page since this was called last, in milliseconds; 0 when none took 50. */
  longestTaskMs(): Promise<number>;
}

/** A server that is away is no fault of the page. */
const AWAY = /net::ERR_(CONNECTION|INCOMPLETE|EMPTY|NETWORK)/;

/**
 * Opens the dashboard of a server in Chromium. When the test ends, whatever the browser complained of fails it, except
 * for a server that is away; a Content-Security-Policy that was violated is a complaint.
 */
export async function openDashboard(
  t: TestContext,
  url: string,
  path: string,
  looks: BrowserLooks = {},
): Promise<Dashboard> {
  const browser = await openBrowser(t, looks);
  t.after(() => {
    const serious = browser.complaints.filter((complaint) => !AWAY.test(complaint));
    assert.deepEqual(serious, [], "the browser complained");
  });
  const page = await browser.newPage();
  await page.addInitScript(() => {
    const seen: number[] = [];
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) seen.push(duration);
    }).observe({ entryTypes: ["longtask"] as never[] });
    Object.assign(globalThis, { longTasks: seen });
  });
  const open = async (where: string) => void (await page.goto(new URL(where, url).href));
  await open(path);
  return {
    page,
    browser,
    open,
    checkAccessibility: async () => {
      await page.evaluate(axe);
      const findings = await page.evaluate(async () => {
        const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: Finding[] }> } };
        const { violations } = await axe.run();
        return violations.map(({ id, impact, nodes }) => ({ id, impact, at: nodes.map(({ html }) => html) }));
      });
      const serious = findings.filter(({ impact }) => impact === "serious" || impact === "critical");
      assert.deepEqual(serious, []);
    },
    longestTaskMs: () =>
      page.evaluate(() => {
        const { longTasks } = globalThis as unknown as { longTasks: number[] };
        return Math.max(0, ...longTasks.splice(0));
      }),
  };
}

interface Finding {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** Keeps what a page looks like in `coverage/screenshots`, for people. */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
  const directory = join(root, "coverage/screenshots");
  mkdirSync(directory, { recursive: true });
  await page.screenshot({ path: join(directory, `${name}.png`) });
}
