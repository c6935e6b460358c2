import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { openBrowser } from "../helpers/chromium.ts";
import { openDashboard } from "../helpers/dashboard.ts";
import { connect, submitAction } from "../helpers/e2e-actions.ts";
import { requireEngine } from "../helpers/e2e-engines.ts";
import { startOpgrid } from "../helpers/e2e-server.ts";
import { rowOf, rows } from "./rows.ts";
import { playScene } from "./scene.ts";

const filtered = (filter: string) => `/?filter=${encodeURIComponent(filter)}`;

test("finds operations by filters, views and keys", { timeout: 180_000 }, async (t) => {
  if (!requireEngine(t, "chromium")) return;
  const server = await startOpgrid(t, { flags: ["--instances", "main,release/linux"] });
  using clients = connect(server.url);
  const browser = await openBrowser(t);
  await using scene = await playScene(clients);
  const open = (t: TestContext, path: string) =>
    openDashboard(t, server.url, path, { browser, viewport: { width: 1400, height: 900 } });

  await t.test("a filter is completed key by key, and then narrows the list and the address", async (t) => {
    const { page, checkAccessibility } = await open(t, "/");
    await rows(page).first().waitFor();
    await page.keyboard.press("/");
    const box = page.getByRole("combobox", { name: "Filter" });
    await box.pressSequentially("mnem");
    await page.getByRole("option", { name: "action_mnemonic" }).waitFor();
    await checkAccessibility();
    await page.keyboard.press("Tab");
    assert.match(await box.inputValue(), /^action_mnemonic/);
    await box.press("End");
    await box.pressSequentially("= CppL");
    await page.getByRole("option", { name: "CppLink" }).waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Enter");
    await rows(page)
      .and(page.locator(`[data-name="${scene.succeeded}"]`))
      .waitFor({ state: "detached" });
    assert.deepEqual(await rows(page).count(), 1);
    await rowOf(page, scene.failed).waitFor();
    assert.equal(new URL(page.url()).searchParams.get("filter"), "action_mnemonic = CppLink");
  });

  await t.test("a mistake in a filter is shown where it is, and the list stays", async (t) => {
    const { page } = await open(t, "/");
    await rows(page).first().waitFor();
    const before = await rows(page).count();
    const box = page.getByRole("combobox", { name: "Filter" });
    await box.fill("stage = EXECUTING AND colour = red");
    await box.press("Escape");
    await box.press("Enter");
    await page.getByRole("alert").getByText('"colour" is no key').waitFor();
    assert.equal(await box.getAttribute("aria-invalid"), "true");
    assert.equal(await page.locator(".filter-place mark").textContent(), "colour");
    const caret = await box.evaluate((input) => (input as unknown as { selectionStart: number }).selectionStart);
    assert.equal(caret, "stage = EXECUTING AND ".length);
    assert.equal(await rows(page).count(), before);
    await box.fill("stage = EXECUTING");
    await box.press("Escape");
    await box.press("Enter");
    await page.getByRole("alert").waitFor({ state: "detached" });
    await rowOf(page, scene.running).waitFor();
    await rowOf(page, scene.queued).waitFor({ state: "detached" });
  });

  await t.test("a link shows the same list, also after a reload; back and forward go through filters", async (t) => {
    const filter = 'tool_name = bazel AND target_id = "//src:*" AND sort_order = queued_time';
    const { page, open: go } = await open(t, `${filtered(filter)}&columns=name,target_id,exit_code`);
    const shown = async () => {
      await rowOf(page, scene.failed).waitFor();
      const names = await rows(page).evaluateAll((all) => all.map((row) => row.getAttribute("data-name")));
      return { names, titles: await page.getByRole("columnheader").allInnerTexts() };
    };
    const first = await shown();
    assert.deepEqual(first.names, [scene.succeeded, scene.failed]);
    assert.equal(first.titles.length, 3);
    await page.reload();
    assert.deepEqual(await shown(), first);

    await go("/");
    await rowOf(page, scene.queued).waitFor();
    await page.getByRole("link", { name: "Executing" }).click();
    await rowOf(page, scene.queued).waitFor({ state: "detached" });
    await page.goBack();
    await rowOf(page, scene.queued).waitFor();
    await page.goForward();
    await rowOf(page, scene.queued).waitFor({ state: "detached" });
    await rowOf(page, scene.running).getByRole("link").first().click();
    await page.getByRole("button", { name: "Kill job" }).waitFor();
    await page.goBack();
    await rowOf(page, scene.running).waitFor();
    assert.equal(await rowOf(page, scene.queued).count(), 0);
  });

  await t.test(
    "a click on a cell narrows the list, a click on a heading sorts it, and a view can be saved",
    async (t) => {
      const { page } = await open(t, "/");
      await rowOf(page, scene.failed).getByRole("button", { name: "CppLink" }).click();
      await rowOf(page, scene.queued).waitFor({ state: "detached" });
      assert.equal(new URL(page.url()).searchParams.get("filter"), "action_mnemonic = CppLink");
      await page.getByRole("columnheader", { name: "Ran" }).getByRole("button").click();
      await page.getByRole("columnheader", { name: "Ran" }).and(page.locator('[aria-sort="descending"]')).waitFor();
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByLabel("Name of the view").fill("links");
      await page.keyboard.press("Enter");
      await page.getByRole("link", { name: "All", exact: true }).click();
      await rowOf(page, scene.queued).waitFor();
      await page.reload();
      await page.getByRole("link", { name: "links" }).click();
      await rowOf(page, scene.queued).waitFor({ state: "detached" });
      await rowOf(page, scene.failed).waitFor();
    },
  );

  await t.test("keys go through the list, open an operation, come back and ask for help", async (t) => {
    const { page } = await open(t, filtered("tool_name = bazel AND sort_order = queued_time"));
    await rows(page).first().waitFor();
    const selected = page.locator('tr[aria-selected="true"]');
    await page.keyboard.press("j");
    assert.equal(await selected.getAttribute("data-name"), scene.succeeded);
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("k");
    assert.equal(await selected.getAttribute("data-name"), scene.failed);
    await page.keyboard.press("Enter");
    await page.getByText("undefined reference").last().waitFor();
    assert.equal(new URL(page.url()).pathname, `/operations/${scene.failed}`);
    await page.keyboard.press("Escape");
    await rowOf(page, scene.failed).waitFor();
    await page.keyboard.press("?");
    const help = page.getByRole("dialog", { name: "Keys" });
    await help.waitFor();
    await page.keyboard.press("Escape");
    await help.waitFor({ state: "detached" });
    for (const [key, path] of [
      ["b", "/invocations"],
      ["w", "/workers"],
      ["v", "/overview"],
      ["o", "/"],
    ] as const) {
      await page.keyboard.press(key);
      await page.waitForURL((url) => url.pathname === path);
    }
  });

  await t.test("what happens while the list is paused shows when it goes on", async (t) => {
    const { page } = await open(t, "/");
    await page.getByText("Live", { exact: true }).waitFor();
    await page.keyboard.press("p");
    await page.getByText("Paused", { exact: true }).waitFor();
    const { name } = await submitAction(clients, { argv: ["true"], platform: [{ name: "pool", value: "none" }] });
    await page.waitForTimeout(500);
    assert.equal(await rowOf(page, name).count(), 0);
    await page.getByRole("button", { name: "Resume" }).click();
    await rowOf(page, name).waitFor();
  });

  await t.test("another instance has a list of its own, and keeps being chosen", async (t) => {
    const { page } = await open(t, "/");
    await rowOf(page, scene.failed).waitFor();
    await page.getByLabel("Instance").selectOption("release/linux");
    await page.getByText("No operation yet").waitFor();
    await page.getByRole("link", { name: "Builds" }).click();
    await page.getByText("No build yet").waitFor();
    assert.equal(new URL(page.url()).searchParams.get("instance"), "release/linux");
    const line = page.locator(".code-line pre", { hasText: "--remote_instance_name=release/linux" });
    assert.match(
      String(await line.textContent()),
      new RegExp(`^bazel build //\\.\\.\\. --remote_executor=grpc://127.0.0.1:${server.port} `),
    );
    await browser.context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Copy the Bazel command" }).click();
    await page.getByText("Copied").waitFor();
    assert.equal(await page.evaluate("navigator.clipboard.readText()"), await line.textContent());
  });
});
