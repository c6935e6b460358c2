import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { type TestContext, test } from "node:test";
import { openBrowser } from "../helpers/chromium.ts";
import { openDashboard } from "../helpers/dashboard.ts";
import { connect, submit, submitAction, type WantedAction } from "../helpers/e2e-actions.ts";
import { requireEngine } from "../helpers/e2e-engines.ts";
import { startOpgrid } from "../helpers/e2e-server.ts";
import { script } from "./scene.ts";

test("shows one operation, what it made, and ends it", { timeout: 180_000 }, async (t) => {
  if (!requireEngine(t, "chromium")) return;
  const server = await startOpgrid(t);
  using clients = connect(server.url);
  const browser = await openBrowser(t);
  const open = async (t: TestContext, name: string, search = "") => {
    const dashboard = await openDashboard(t, server.url, `/operations/${name}${search}`, { browser });
    return dashboard.page;
  };
  const nobody = { platform: [{ name: "pool", value: "nobody" }] };

  await t.test("follows an operation from its worker to its output", async (t) => {
    const { name, done } = await submit(clients, ...script("sleep 4; echo so far so good; exit 4"));
    const page = await open(t, name);
    const badge = page.locator(".operation-badge");
    await badge.getByText("executing").waitFor();
    await done;
    await badge.getByText("exit 4").waitFor({ timeout: 1000 });
    await page.getByRole("region", { name: "stdout" }).getByText("so far so good", { exact: true }).first().waitFor();
  });

  await t.test("says why an operation waits, and for how many others", async (t) => {
    const { name } = await submitAction(clients, { argv: ["true"], ...nobody });
    await submitAction(clients, { argv: ["true"], ...nobody });
    const page = await open(t, name);
    await page.getByText("no bot offers pool=nobody").waitFor();
    await page.getByText("It is the next in its queue").waitFor();
  });

  const shared: WantedAction = { argv: ["sleep", "600"], salt: "cancelled" };

  await t.test("cancels one of two operations, after it said that the other goes on", async (t) => {
    const first = await submitAction(clients, shared);
    const second = await submitAction(clients, shared);
    const page = await open(t, first.name);
    await page.getByRole("button", { name: "Cancel" }).click();
    const dialog = page.getByRole("dialog", { name: "Cancel this operation?" });
    await dialog.getByText("1 other operation waits for the same job. Only this operation ends").waitFor();
    await dialog.getByRole("button", { name: "Keep it" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.keyboard.press("x");
    await dialog.getByText("1 other operation waits").waitFor();
    await dialog.getByRole("button", { name: "Cancel operation" }).click();
    await page.locator(".operation-badge").getByText("cancelled").waitFor();
    assert.equal((await first.done).done, true);
    assert.equal((await clients.operations.getOperation({ name: second.name })).done, false);
    await clients.operations.cancelOperation({ name: second.name });
    await second.done;
  });

  await t.test("kills a job, after it said whom else that ends, and notes the reason", async (t) => {
    const jobs = [];
    for (let count = 0; count < 3; count++) jobs.push(await submitAction(clients, { ...shared, salt: "killed" }));
    const [first] = jobs;
    assert(first);
    const page = await open(t, first.name);
    await page.getByRole("button", { name: "Kill job" }).click();
    const dialog = page.getByRole("dialog", { name: "Kill the job?" });
    await dialog.getByText("all 3 operations are cancelled").waitFor();
    await dialog.getByLabel("Reason").fill("in the way <b>of all</b>");
    await dialog.getByRole("button", { name: "Kill job" }).click();
    for (const { done } of jobs) assert.equal((await done).done, true);
    await page.locator(".operation-badge").getByText("cancelled").waitFor();
    await page.getByRole("tab", { name: "History" }).click();
    await page.getByRole("tabpanel").getByText("in the way <b>of all</b>").waitFor();
  });

  await t.test("hands out what the action printed and made, byte for byte", async (t) => {
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, index) => (index * 31) % 256));
    const { name, done } = await submitAction(clients, {
      argv: script("cat bytes; mkdir -p out/deep; cp bytes out/deep/bytes.bin; cat bytes bytes bytes > large.bin"),
      inputs: { bytes },
      outputPaths: ["out", "large.bin"],
    });
    await done;
    const page = await open(t, name);
    const save = async (within: ReturnType<typeof page.getByRole>) => {
      const started = page.waitForEvent("download");
      await within.getByRole("button", { name: "Download" }).click();
      const download = await started;
      return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
    };
    const stdout = await save(page.getByRole("region", { name: "stdout", exact: true }).first());
    assert.equal(stdout.name, "stdout.txt");
    assert.deepEqual(stdout.bytes, bytes);
    await page.getByRole("tab", { name: "Outputs" }).click();
    await page.getByRole("treeitem", { name: "large.bin" }).click();
    const large = await save(page.getByRole("region", { name: "large.bin", exact: true }));
    assert.deepEqual(large.bytes, Buffer.concat([bytes, bytes, bytes]));
    await page.getByRole("treeitem", { name: "out/" }).click();
    await page.getByRole("treeitem", { name: "deep/" }).click();
    await page.getByRole("treeitem", { name: "bytes.bin" }).click();
    const deep = await save(page.getByRole("region", { name: "out/deep/bytes.bin", exact: true }));
    assert.equal(deep.name, "bytes.bin");
    assert.deepEqual(deep.bytes, bytes);
    await page.reload();
    await page.getByRole("region", { name: "out/deep/bytes.bin", exact: true }).waitFor();
  });

  await t.test("gives commands that show the same elsewhere", async (t) => {
    const { name, done } = await submit(clients, "echo", "hello");
    await done;
    const page = await open(t, name, "?tab=raw");
    for (const tool of ["opgrid", "curl", "grpcurl"]) {
      await page.getByRole("heading", { name: `With ${tool}` }).waitFor();
    }
    const curl = page
      .locator("pre")
      .filter({ hasText: /^curl / })
      .first();
    assert.match(String(await curl.textContent()), new RegExp(`http://127.0.0.1:${server.port}/`));
  });

  await t.test("deletes an operation and goes back to the list", async (t) => {
    const { name, done } = await submit(clients, "echo", "to be forgotten");
    await done;
    const page = await open(t, name);
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("button", { name: "Delete operation" }).click();
    await page.getByRole("grid", { name: "Operations" }).waitFor();
    await assert.rejects(clients.operations.getOperation({ name }), /not.?found/i);
  });
});
