import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Page } from "playwright-core";
import { openBrowser } from "../helpers/chromium.ts";
import { type Dashboard, openDashboard } from "../helpers/dashboard.ts";
import { connect } from "../helpers/e2e-actions.ts";
import { requireEngine } from "../helpers/e2e-engines.ts";
import { startOpgrid } from "../helpers/e2e-server.ts";
import { seedOperations } from "../helpers/seed-operations.ts";
import { until } from "../helpers/until.ts";
import { startChanges } from "./changes.ts";
import { rows } from "./rows.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

test("with 100,000 operations the list is there at once, scrolls and keeps up", { timeout: 240_000 }, async (t) => {
  if (!requireEngine(t, "chromium")) return;
  const server = await startOpgrid(t, {
    flags: ["--bots", "0"],
    prepare: (dataDir) => seedOperations(dataDir, "main", 100_000),
  });
  using clients = connect(server.url);
  const browser = await openBrowser(t);
  const open = (t: TestContext, path = "/") => openDashboard(t, server.url, path, { browser });

  await t.test("the page takes at most 200 KiB of the network, and shows rows within a second", async (t) => {
    const dashboard = await open(t, "/workers");
    const times: number[] = [];
    // Other work of the machine makes it slower, never faster.
    for (let round = 0; round < 8 && !times.some((ms) => ms < 1000); round++) {
      const { bytes, ms } = await measureLoad(dashboard);
      t.diagnostic(`${Math.round(bytes / KIB)} KiB, first rows after ${Math.round(ms)} ms`);
      assert(bytes < 200 * KIB);
      times.push(ms);
    }
    assert(Math.min(...times) < 1000);
  });

  await t.test("scrolling makes no task of 200 ms", async (t) => {
    const { page, longestTaskMs } = await open(t);
    await page.getByText("Live", { exact: true }).waitFor({ timeout: 60_000 });
    t.diagnostic(`longest task while loading: ${await longestTaskMs()} ms`);
    await bestOfRounds(t, "scrolling", async () => {
      await scrollThrough(page, 60);
      return longestTaskMs();
    });
  });

  await t.test("500 changes a second make no task of 200 ms, also while scrolling", async (t) => {
    const { page, longestTaskMs } = await open(t);
    await page.getByText("Live", { exact: true }).waitFor({ timeout: 60_000 });
    const changes = startChanges(clients, 500);
    await bestOfRounds(t, "500 changes a second", async () => {
      await longestTaskMs();
      const [before, since] = [changes.count(), Date.now()];
      await scrollThrough(page, 60);
      await until(() => changes.count() - before > 1500, "1500 changes", 20_000);
      const seconds = (Date.now() - since) / 1000;
      t.diagnostic(`${Math.round((changes.count() - before) / seconds)} changes a second`);
      return longestTaskMs();
    });
    await changes.stop();
    await page.getByText("100,000").first().waitFor();
  });
});

test("a page that stays open forgets what it does not show", { timeout: 120_000 }, async (t) => {
  if (!requireEngine(t, "chromium")) return;
  const server = await startOpgrid(t, { flags: ["--bots", "0"] });
  using clients = connect(server.url);
  const { page, heapBytes } = await openDashboard(t, server.url, "/");
  const changes = startChanges(clients, 2000);
  await rows(page).first().waitFor();
  await page.waitForTimeout(2000);
  const [heap, count] = [await heapBytes(), changes.count()];
  await until(() => changes.count() - count > 6000, "6000 changes", 60_000);
  const grown = (await heapBytes()) - heap;
  const seen = changes.count() - count;
  await changes.stop();
  const inTenMinutes = (grown / seen) * 100 * 600;
  t.diagnostic(
    `${(grown / MIB).toFixed(1)} MiB for ${seen} changes, so ${(inTenMinutes / MIB).toFixed(1)} MiB for 60,000`,
  );
  assert(inTenMinutes < 20 * MIB);
});

/** Loads the list as a browser does that has never seen it: how long until rows are there, and the bytes of all files. */
async function measureLoad({ page, protocol, open }: Dashboard): Promise<{ bytes: number; ms: number }> {
  let bytes = 0;
  const onFinished = ({ encodedDataLength }: { encodedDataLength: number }) => {
    bytes += encodedDataLength;
  };
  await protocol.send("Network.enable");
  await protocol.send("Network.setCacheDisabled", { cacheDisabled: true });
  protocol.on("Network.loadingFinished", onFinished);
  await open("/");
  const seen = await page.waitForFunction(() => {
    const { document } = globalThis as unknown as { document: { querySelector(of: string): unknown } };
    return document.querySelector("tr[data-name]") && performance.now();
  });
  protocol.off("Network.loadingFinished", onFinished);
  assert(bytes > 50 * KIB, "the scripts were not counted");
  return { bytes, ms: Number(await seen.jsonValue()) };
}

async function scrollThrough(page: Page, steps: number): Promise<void> {
  const scroller = page.locator(".table-scroller");
  for (let step = 1; step <= steps; step++) {
    await scroller.evaluate((element, part) => element.scrollTo(0, element.scrollHeight * part), step / steps);
    await page.waitForTimeout(16);
  }
  await page.locator('tr[aria-rowindex="100001"]').waitFor();
}

/** Other work of the machine makes tasks longer, never shorter. */
async function bestOfRounds(t: TestContext, what: string, longestMs: () => Promise<number>): Promise<void> {
  const longest: number[] = [];
  for (let round = 0; round < 5 && !longest.some((ms) => ms < 200); round++) longest.push(await longestMs());
  t.diagnostic(`longest tasks, ${what}: ${longest.join(", ")} ms`);
  assert(Math.min(...longest) < 200);
}
