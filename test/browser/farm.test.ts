import assert from "node:assert/strict";
import { test } from "node:test";
import { openDashboard } from "../helpers/dashboard.ts";
import { connect, submit } from "../helpers/e2e-actions.ts";
import { requireEngine } from "../helpers/e2e-engines.ts";
import { startOpgrid } from "../helpers/e2e-server.ts";
import { until } from "../helpers/until.ts";

test("a worker shows what it runs, and the address what is searched for", { timeout: 60_000 }, async (t) => {
  if (!requireEngine(t, "chromium")) return;
  const server = await startOpgrid(t);
  using clients = connect(server.url);
  const { page, open, checkAccessibility } = await openDashboard(t, server.url, "/workers?instance=main");
  await page.getByText("Nothing waits, and nothing runs.").waitFor();
  await checkAccessibility();

  const running = await submit(clients, "sleep", "60");
  const link = page.locator(`.lease a[title="${running.name}"]`);
  await link.waitFor({ timeout: 5000 });
  assert.match((await link.getAttribute("href")) ?? "", /\?instance=main$/);
  await checkAccessibility();

  await page.keyboard.press("/");
  await page.keyboard.type("no such worker");
  await page.getByText("No worker matches").waitFor();
  assert.equal(new URL(page.url()).searchParams.get("q"), "no such worker");
  await open("/workers?instance=main&q=full");
  await link.waitFor();
  await clients.operations.cancelOperation({ name: running.name });
  await running.done;
  await page.getByText("No worker matches").waitFor();
});

test("the overview tells what was asked for and what failed, as it happens", { timeout: 60_000 }, async (t) => {
  if (!requireEngine(t, "chromium")) return;
  const server = await startOpgrid(t);
  using clients = connect(server.url);
  const { page, checkAccessibility } = await openDashboard(t, server.url, "/overview?instance=main");
  await page.getByText("Nothing was submitted in the last hour.").waitFor();
  await checkAccessibility();

  const failed = await submit(clients, "false");
  await failed.done;
  await page.locator(`.failures a[title="${failed.name}"]`).waitFor({ timeout: 5000 });
  await until(
    async () => (await page.locator(".tile", { hasText: "Failed" }).textContent())?.includes("100 %") ?? false,
    "the failure to be counted",
    20_000,
  );
  await page.locator("summary").first().click();
  await page.getByRole("region", { name: /as a table$/ }).waitFor();
  await page.getByRole("button", { name: "Last 24 hours" }).click();
  await page.waitForURL(/window=24h/);
  await checkAccessibility();
});
