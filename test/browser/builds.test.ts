import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { openDashboard } from "../helpers/dashboard.ts";
import { connect, submit } from "../helpers/e2e-actions.ts";
import { requireEngine } from "../helpers/e2e-engines.ts";
import { startOpgrid } from "../helpers/e2e-server.ts";
import { until } from "../helpers/until.ts";

/** The invocation that `submit` says it is. */
const BUILD = "an-invocation";

const progress = async (page: Page) =>
  (await page.getByRole("progressbar").first().getAttribute("aria-valuetext")) ?? "";

test("a build shows up in the list, and its progress and failures as they come", { timeout: 60_000 }, async (t) => {
  if (!requireEngine(t, "chromium")) return;
  const server = await startOpgrid(t);
  using clients = connect(server.url);
  const { page, open, checkAccessibility } = await openDashboard(t, server.url, "/invocations");
  await page.getByText("No build yet").waitFor();
  await checkAccessibility();

  await (await submit(clients, "true")).done;
  await page.getByRole("link", { name: BUILD }).waitFor({ timeout: 2000 });
  await checkAccessibility();
  await page.getByRole("link", { name: BUILD }).click();
  await page.getByRole("heading", { level: 1, name: "opgrid-e2e" }).waitFor();
  assert.equal(await progress(page), "1 ok");

  const running = await submit(clients, "sh", "-c", "sleep 1; echo no luck >&2; exit 7");
  await until(async () => (await progress(page)) === "1 ok, 1 executing");
  await running.done;
  await until(async () => (await progress(page)) === "1 ok, 1 failed");
  await page.getByRole("heading", { name: "1 failure" }).waitFor();
  await page.getByLabel("stderr").getByText("no luck").waitFor();
  await checkAccessibility();

  await page.getByRole("link", { name: "1 failed" }).click();
  await page.locator(`[title="${running.name}"]`).waitFor();
  assert.equal(await page.getByRole("row").count(), 2, "the heading, and what failed");
  await open("/invocations/another");
  await page.getByText("Nothing is known of this build").waitFor();
  await checkAccessibility();
});

test("the chart is gone through by keys, and a build is cancelled", { timeout: 60_000 }, async (t) => {
  if (!requireEngine(t, "chromium")) return;
  const server = await startOpgrid(t);
  using clients = connect(server.url);
  const { page } = await openDashboard(t, server.url, `/invocations/${BUILD}`);
  const first = await submit(clients, "true");
  await first.done;
  const second = await submit(clients, "sleep", "60");
  await until(async () => (await progress(page)) === "1 ok, 1 executing");

  await page.getByRole("region", { name: /^Chart of 2 actions/ }).focus();
  await page.keyboard.press("ArrowDown");
  await page.locator(".chart-details").getByText("Mnemonic").waitFor();
  await page.keyboard.press("+");
  await page.waitForURL(/time=\d+-\d+/);
  await page.keyboard.press("0");
  await page.waitForURL((url) => !url.searchParams.has("time"));

  await page.getByRole("button", { name: "Cancel all" }).click();
  await page.getByRole("dialog").getByText("1 operation waits or runs").waitFor();
  await page.keyboard.press("Escape");
  assert.equal(await page.locator(":focus").textContent(), "Cancel all", "the focus is where it was");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Cancel 1 operation" }).click();
  await page.getByText("1 operation was cancelled").waitFor();
  await second.done;
  await until(async () => (await progress(page)) === "1 ok, 1 cancelled");
});
