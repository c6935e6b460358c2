import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { createS3Cas } from "../../src/cas/cas.ts";
import type { S3Settings } from "../../src/cas/s3/s3-store.ts";
import { temporaryDirectory } from "../cas/fixtures.ts";
import { credentials, startS3 } from "../helpers/ceph.ts";
import { requireEngine } from "../helpers/e2e-engines.ts";

const stranger = 54_321;
const needsRoot = process.getuid?.() === 0 ? false : "needs root, to run as a user that the machine does not know";

/** Has these variables, and no others of their names, until the test ends. */
function setEnvironment(t: TestContext, variables: Readonly<Record<string, string | undefined>>): void {
  const old = Object.fromEntries(Object.keys(variables).map((name) => [name, process.env[name]]));
  const set = (values: Readonly<Record<string, string | undefined>>) => {
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
  set(variables);
  t.after(() => set(old));
}

const keys = { AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey };

function settingsOf(bucket: string, endpoint: string): S3Settings {
  return { bucket, prefix: "start/", endpoint, region: "", addressing: "auto", expiryMs: 0 };
}

test("a start ends, in words that name the setting, when the bucket cannot be used", async (t) => {
  if (!requireEngine(t, "radosgw")) return;
  await using server = await startS3();
  const settings = settingsOf(await server.createBucket(), server.endpoint);
  const cache = { maxBytes: 2 ** 20, maxBlobBytes: 2 ** 20, clock: systemClock, log: silentLog };
  const start = async (wish: Partial<S3Settings> = {}) => {
    const directory = await temporaryDirectory(t);
    const options = { ...settings, ...wish, presenceTtlMs: 0, cache: { directory, ...cache } };
    await using _cas = await createS3Cas(options);
  };
  setEnvironment(t, { ...keys, AWS_PROFILE: undefined, AWS_REGION: undefined, AWS_EC2_METADATA_DISABLED: "true" });
  await start();
  await assert.rejects(
    start({ bucket: "nowhere" }),
    /^Error: cas\.s3: cannot look at bucket nowhere .*no such bucket.*cas\.s3\.bucket/,
  );
  const endpoint = server.endpoint.replace("http:", "https:");
  await assert.rejects(start({ endpoint }), /^Error: cas\.s3: .*does not speak TLS; see cas\.s3\.endpoint/);
  await assert.rejects(start({ endpoint: "" }), /^Error: cas\.s3: .*there is no region; see cas\.s3\.region/);
  process.env.AWS_SECRET_ACCESS_KEY = "wrong";
  await assert.rejects(start(), /credentials are refused \(SignatureDoesNotMatch\).*AWS_SECRET_ACCESS_KEY/);
  process.env.AWS_ACCESS_KEY_ID = "NOBODY";
  await assert.rejects(start(), /credentials are refused \(InvalidAccessKeyId\).*AWS_ACCESS_KEY_ID/);
  setEnvironment(t, { AWS_ACCESS_KEY_ID: undefined, HOME: "/nonexistent" });
  await assert.rejects(start(), /^Error: cas\.s3: .*there are no credentials.*AWS_ACCESS_KEY_ID/);
});

test("has no need of a home directory", { skip: needsRoot }, async (t) => {
  if (!requireEngine(t, "radosgw")) return;
  await using server = await startS3();
  const settings = settingsOf(await server.createBucket(), server.endpoint);
  const script = `
    import { homedir } from "node:os";
    import { systemClock } from "${new URL("../../src/base/clock.ts", import.meta.url)}";
    import { openS3Store } from "${new URL("../../src/cas/s3/s3-store.ts", import.meta.url)}";
    try { homedir(); process.exit(3); } catch {}
    const log = { debug() {}, info() {}, warn() {}, error: (fields, message) => { throw new Error(message); } };
    await openS3Store({ ...${JSON.stringify(settings)}, clock: systemClock, log }).check();`;
  const options = { env: { PATH: process.env.PATH, ...keys }, uid: stranger, gid: stranger, cwd: tmpdir() };
  await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], options);
});
