import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { createApp } from "../../src/app.ts";
import { silentLog } from "../../src/base/log.ts";
import { createGrpcCas } from "../../src/cas/cas.ts";
import { loadConfig } from "../../src/config/config.ts";
import { useBackend } from "./fixtures.ts";

// The suites of the CAS once more, with the blobs in an instance of another opgrid for each test.
const INSTANCES = 60;
const names = Array.from({ length: INSTANCES }, (_, i) => `other/${i}`);
const dataDir = await mkdtemp(join(tmpdir(), "opgrid-other-cas-"));
const flags = { listen: "127.0.0.1:0", "data-dir": dataDir, bots: "0", instances: names.join(",") };
const app = await createApp(loadConfig({ flags }), { log: silentLog, version: "test" });
after(async () => {
  await app.close();
  await rm(dataDir, { recursive: true });
});
useBackend(() => {
  const instance = names.pop();
  if (instance === undefined) throw new Error("there are more tests than instances");
  return (cache) => createGrpcCas({ url: app.url, instance, presenceTtlMs: 60_000, cache });
});
for (const suite of ["blobs", "uploads", "action-inputs", "action-cache"]) await import(`./${suite}.test.ts`);
