import { test } from "node:test";
import type { Page } from "playwright-core";
import { openBrowser } from "../helpers/chromium.ts";
import { type Dashboard, keepScreenshot, openDashboard } from "../helpers/dashboard.ts";
import { connect } from "../helpers/e2e-actions.ts";
import { requireEngine } from "../helpers/e2e-engines.ts";
import { startOpgrid } from "../helpers/e2e-server.ts";
import { playScene, type Scene } from "./scene.ts";

/** A page, and what is on it when all of it is there. */
interface View {
  readonly name: string;
  readonly path: (scene: Scene) => string;
  readonly ready: (page: Page, scene: Scene) => Promise<unknown>;
}

const says = (text: string | RegExp) => (page: Page) => page.getByText(text).first().waitFor();

/** Shows a tab of an operation. */
const tab = (id: string, of: Exclude<keyof Scene, symbol>, ready: View["ready"]): View => ({
  name: `operation ${of} ${id}`,
  path: (scene) => `/operations/${scene[of]}?tab=${id}`,
  ready,
});

const views: readonly View[] = [
  {
    name: "operations",
    path: () => "/",
    ready: (page) =>
      page.getByRole("button", { name: "//render:scene" }).or(page.getByText("//render:scene")).first().waitFor(),
  },
  {
    name: "operations filtered",
    path: () => `/?filter=${encodeURIComponent("tool_name = bazel AND exit_code != 0")}`,
    ready: says("//src:viewer"),
  },
  {
    name: "operations filter with a mistake",
    path: () => `/?filter=${encodeURIComponent("stage = EXECUTING AND colour = red")}`,
    ready: (page) => page.getByRole("alert").getByText("colour").waitFor(),
  },
  {
    name: "operations of an instance without any",
    path: () => "/?instance=release%2Flinux",
    ready: says("No operation yet"),
  },
  tab("output", "succeeded", says("compiling")),
  tab("command", "succeeded", says("PATH")),
  tab("inputs", "succeeded", says("frame.cc")),
  tab("outputs", "succeeded", says("frame.o")),
  tab("history", "succeeded", says("Details")),
  tab("request", "succeeded", says("bazel")),
  tab("raw", "succeeded", says("grpcurl")),
  tab("output", "failed", says("undefined reference")),
  tab("output", "timedOut", says("DEADLINE_EXCEEDED")),
  tab("output", "running", says("Also wanted by")),
  tab("output", "queued", says(/^Waits:/)),
  {
    name: "operation unknown",
    path: () => "/operations/main/no-such-operation",
    ready: says("NOT_FOUND"),
  },
  { name: "builds", path: () => "/invocations", ready: (page, scene) => page.getByText(scene.invocation).waitFor() },
  {
    name: "builds in groups",
    path: () => "/invocations?kind=correlated",
    ready: (page, scene) => page.getByText(scene.correlated).waitFor(),
  },
  { name: "build", path: (scene) => `/invocations/${scene.invocation}`, ready: says("Slowest actions") },
  { name: "build unknown", path: () => "/invocations/none", ready: says("Nothing is known of this build") },
  { name: "workers", path: () => "/workers", ready: says("2 workers") },
  { name: "overview", path: () => "/overview", ready: says("How long jobs ran") },
  { name: "page unknown", path: () => "/no/such/page", ready: says("There is no such page") },
  {
    name: "help",
    path: () => "/overview",
    ready: async (page) => {
      await page.getByRole("heading", { name: "Overview" }).waitFor();
      await page.keyboard.press("?");
      await page.getByRole("dialog", { name: "Keys" }).waitFor();
    },
  },
];

const desk = { width: 1280, height: 800 };
const telephone = { width: 400, height: 800 };

const title = "every page can be read by everybody, in the light, in the dark and on a telephone";

test(title, { timeout: 300_000 }, async (t) => {
  if (!requireEngine(t, "chromium")) return;
  const server = await startOpgrid(t, { flags: ["--instances", "main,release/linux"] });
  using clients = connect(server.url);
  const browser = await openBrowser(t);
  await using scene = await playScene(clients);
  for (const view of views) {
    await t.test(view.name, async (t) => {
      const dashboard = await openDashboard(t, server.url, view.path(scene), { browser, viewport: desk });
      await view.ready(dashboard.page, scene);
      await inAllLooks(dashboard, view.name);
    });
  }
});

async function inAllLooks({ page, checkAccessibility, checkWidth }: Dashboard, name: string): Promise<void> {
  await keepScreenshot(page, `${name}, light`);
  await checkAccessibility();
  await page.emulateMedia({ colorScheme: "dark" });
  await keepScreenshot(page, `${name}, dark`);
  await checkAccessibility();
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(telephone);
  await keepScreenshot(page, `${name}, 400 px`);
  await checkAccessibility();
  await checkWidth();
}
