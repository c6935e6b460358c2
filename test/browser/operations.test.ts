import assert from "node:assert/strict";
import { test } from "node:test";
import { openBrowser } from "../helpers/chromium.ts";
import { keepScreenshot, openDashboard } from "../helpers/dashboard.ts";
import { connect, submit } from "../helpers/e2e-actions.ts";
import { requireEngine } from "../helpers/e2e-engines.ts";
import { startOpgrid } from "../helpers/e2e-server.ts";
import { rowOf, rows } from "./rows.ts";

test("shows a new operation within a second, and each change of it", { timeout: 60_000 }, async (t) => {
  if (!requireEngine(t, "chromium")) return;
  const server = await startOpgrid(t);
  using clients = connect(server.url);
  const { page, checkAccessibility } = await openDashboard(t, server.url, "/");
  await page.getByText("No operation yet").waitFor();
  await checkAccessibility();

  const { name, done } = await submit(clients, "sh", "-c", "sleep 2; exit 3");
  await rowOf(page, name).waitFor({ timeout: 1000 });
  await rowOf(page, name).getByText("executing").waitFor({ timeout: 2000 });
  await done;
  await rowOf(page, name).getByText("exit 3").waitFor({ timeout: 1000 });
  await checkAccessibility();
});

test("comes back by itself after the server was killed, and has missed nothing", { timeout: 60_000 }, async (t) => {
  if (!requireEngine(t, "chromium")) return;
  const server = await startOpgrid(t);
  using clients = connect(server.url);
  const browser = await openBrowser(t);
  const { page, checkAccessibility } = await openDashboard(t, server.url, "/", { browser });
  const workers = await openDashboard(t, server.url, "/workers", { browser });
  const operation = await openDashboard(t, server.url, "/", { browser });
  const first = await submit(clients, "true");
  await first.done;
  await rowOf(page, first.name).getByText("ok").waitFor();
  await workers.page.getByText("2 workers").waitFor();
  await operation.open(`/operations/${first.name}`);
  await operation.page.getByRole("button", { name: "Delete" }).waitFor();

  await server.kill();
  await page.getByRole("alert").getByText("cannot be reached").waitFor();
  await checkAccessibility();
  await keepScreenshot(page, "disconnected");
  await workers.page.getByRole("alert").getByText("cannot be reached").waitFor();
  await keepScreenshot(workers.page, "disconnected workers");
  await workers.checkAccessibility();
  await server.restart();
  using again = connect(server.url);
  const second = await submit(again, "false");
  await second.done;
  await rowOf(page, second.name).getByText("exit 1").waitFor({ timeout: 20_000 });
  await page.getByText("Live", { exact: true }).waitFor();
  assert.equal(await rows(page).count(), 2);
  await workers.page.getByRole("alert").waitFor({ state: "detached", timeout: 20_000 });
  await operation.page.getByRole("button", { name: "Delete" }).click();
  await operation.page.getByRole("button", { name: "Delete operation" }).click();
  await rowOf(page, first.name).waitFor({ state: "detached" });
});
