import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type BrowserContext, chromium, type Page } from "playwright-core";

/** How the pages of a browser look. */
export interface BrowserLooks {
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly colorScheme?: "light" | "dark";
}

/** A browser of a test. */
export interface Browser {
  readonly context: BrowserContext;
  newPage(): Promise<Page>;
  /** What the browser complained of so far, on all pages. */
  readonly complaints: readonly string[];
}

/** Starts Debian's Chromium with a profile of its own; it is closed when the test ends. */
export async function openBrowser(t: TestContext, looks: BrowserLooks = {}): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), "opgrid-chromium-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: "/usr/bin/chromium",
    ...looks,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--enable-precise-memory-info",
      "--js-flags=--expose-gc",
    ],
  });
  const complaints: string[] = [];
  t.after(async () => {
    if (!t.passed) t.diagnostic(`the browser's console:\n${complaints.join("\n")}`);
    await context.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  });
  const newPage = async () => {
    const page = await context.newPage();
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", (error) => void complaints.push(String(error)));
    return page;
  };
  return { context, newPage, complaints };
}
