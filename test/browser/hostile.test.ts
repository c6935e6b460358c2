import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { openBrowser } from "../helpers/chromium.ts";
import { keepScreenshot, openDashboard } from "../helpers/dashboard.ts";
import { connect, submitAction } from "../helpers/e2e-actions.ts";
import { requireEngine } from "../helpers/e2e-engines.ts";
import { startOpgrid } from "../helpers/e2e-server.ts";
import { rowOf } from "./rows.ts";
import { script } from "./scene.ts";

const tags = `<script>alert("run")</script><img src=x onerror='alert("run")'><svg onload='alert("run")'></svg>`;
const picture = `<svg xmlns="http://www.w3.org/2000/svg" onload="alert('run')"><script>alert("run")</script></svg>`;

/** Colours without end, sequences cut short, and what moves the cursor, names the window, or hides. */
const bomb = String.raw`
i=0; while [ $i -lt 20000 ]; do printf '\033[3%d;1;4;7;9m#' $((i%8)); i=$((i+1)); done; echo
printf '\033[38;2;999;-1;99999999999999999999mcolour\033[0m \033]0;title\007\033[2J\033[1;1Hmoved \033[8mhidden\033[0m\n'
printf '\033]8;;javascript:alert(1)\033\\link\033]8;;\033\\ nul:\000 bidi:\342\200\256txt.exe broken:\377\376 \033['`;

/** Nothing that an operation says became a part of the page. */
const SMUGGLED =
  "main script, main svg script, main img[src='x'], main svg[onload], main [onerror], a[href^='javascript']";

test("what operations say is text, whatever it says", { timeout: 180_000 }, async (t) => {
  if (!requireEngine(t, "chromium")) return;
  const server = await startOpgrid(t);
  using clients = connect(server.url);
  const browser = await openBrowser(t);
  const open = (t: TestContext, path: string) => openDashboard(t, server.url, path, { browser });
  const metadata = {
    toolDetails: { toolName: tags, toolVersion: "\u202e<b>1" },
    ...{ toolInvocationId: `../..//${tags}?#%`, correlatedInvocationsId: `<i>"&'`, targetId: `//x:${tags}` },
    actionMnemonic: "<b>Bold</b>",
  };
  const hostile = await submitAction(clients, {
    argv: script(`printf '%s' "$0" > '<img src=x onerror=alert(1)>.html'; cp "$PWD/evil.svg" out.svg; ${bomb}`).concat(
      tags,
    ),
    inputs: { "evil.svg": picture },
    outputPaths: ["<img src=x onerror=alert(1)>.html", "out.svg"],
    metadata,
  });
  const { name } = hostile;
  await hostile.done;

  await t.test("in the list, in a build and in the overview", async (t) => {
    const {
      page,
      open: go,
      longestTaskMs,
    } = await open(t, "/?columns=stage,name,target_id,action_mnemonic,command,tool_name,invocation_id");
    await rowOf(page, name).getByText("<b>Bold</b>").waitFor();
    assert.equal(await page.locator(SMUGGLED).count(), 0);
    await rowOf(page, name)
      .getByRole("button", { name: `//x:${tags}` })
      .click();
    await page.waitForURL(/filter=/);
    await rowOf(page, name).waitFor();
    await rowOf(page, name).locator('a[href^="/invocations/"]').click();
    await page.getByText("Slowest actions").waitFor();
    assert.equal(await page.locator(SMUGGLED).count(), 0);
    await keepScreenshot(page, "hostile build");
    for (const path of ["/invocations", "/overview", "/workers"]) {
      await go(path);
      await page.getByRole("heading").first().waitFor();
      assert.equal(await page.locator(SMUGGLED).count(), 0);
    }
    await longestTaskMs();
  });

  await t.test("in the colours, the names and the files of its output", async (t) => {
    const { page, longestTaskMs, checkAccessibility } = await open(t, `/operations/${name}`);
    await page.getByText("moved").first().waitFor();
    await keepScreenshot(page, "hostile operation");
    assert.equal(await page.title().then((title) => title.includes("title")), false);
    await checkAccessibility();
    await page.getByRole("tab", { name: "Outputs" }).click();
    await page.getByRole("treeitem", { name: "<img src=x" }).click();
    await page
      .getByRole("region", { name: /^<img src=x/ })
      .getByText("<script>")
      .first()
      .waitFor();
    await page.getByRole("treeitem", { name: "out.svg" }).click();
    await page.getByRole("region", { name: "out.svg" }).last().waitFor();
    for (const tab of ["Command", "Request", "History", "JSON and commands"]) {
      await page.getByRole("tab", { name: tab, exact: true }).click();
      assert.equal(await page.locator(SMUGGLED).count(), 0);
    }
    t.diagnostic(`longest task: ${await longestTaskMs()} ms`);
  });

  await t.test("50 MB of it leave the page at ease", async (t) => {
    const { name, done } = await submitAction(clients, {
      argv: script(
        `{ head -c 5000000 /dev/zero | tr '\\0' x; yes '${"the quick brown fox ".repeat(4)}'; } | head -c 52428800`,
      ),
    });
    await done;
    const { page, longestTaskMs, heapBytes, open: go } = await open(t, `/operations/${name}?tab=command`);
    await page.getByRole("heading", { name: "Arguments" }).waitFor();
    const before = await heapBytes();
    await longestTaskMs();
    const tasks: number[] = [];
    for (let round = 0; round < 3 && !tasks.some((ms) => ms < 200); round++) {
      await go(`/operations/${name}`);
      const stdout = page.getByRole("region", { name: "stdout", exact: true }).first();
      await stdout
        .getByText("of 50 MiB")
        .or(stdout.getByText(/of 5\d\.?\d* MB/))
        .first()
        .waitFor();
      await longestTaskMs();
      await stdout.getByRole("button", { name: "Show more" }).click();
      await stdout.getByRole("button", { name: "Show more" }).and(page.locator(":enabled")).waitFor();
      await stdout.getByRole("button", { name: "Show the end" }).click();
      await stdout.getByText("the quick brown fox").first().waitFor();
      tasks.push(await longestTaskMs());
    }
    const grown = (await heapBytes()) - before;
    t.diagnostic(`longest tasks: ${tasks.join(", ")} ms; ${(grown / 2 ** 20).toFixed(1)} MiB more`);
    assert(Math.min(...tasks) < 200);
    assert(grown < 30 * 2 ** 20);
  });
});
