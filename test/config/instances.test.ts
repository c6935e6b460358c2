import assert from "node:assert/strict";
import test from "node:test";
import { type Config, ConfigError, loadConfig } from "../../src/config/config.ts";

function load(file: string): Config {
  return loadConfig({ flags: { config: "opgrid.yaml" }, readFile: () => file });
}

function problemsOfName(name: string): string {
  try {
    loadConfig({ flags: { instances: JSON.stringify([{ name }]) } });
    return "";
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message;
  }
}

test("offers of each instance's services only those of the process", () => {
  const file =
    "services: [cas, bytestream, operations]\ninstances: [main, {name: other, services: [bots, cas]}]\nbots: 3";
  const config = load(file);
  assert.deepEqual(
    config.instances.map(({ services }) => services),
    [["operations", "cas", "bytestream"], ["cas"]],
  );
  assert.equal(config.bots, 0, "bots of its own could do nothing");
  assert.equal(load("bots: 3").bots, 3);
});

test("gives instances what is set for all, and lets each override it", () => {
  const config = load(`
cas: {max_bytes: 1GiB}
execution: {orphan_grace: 7s, max_attempts: 3}
instances:
  - main
  - name: dev/linux
    services: [cas, capabilities]
    cas: {max_blob_bytes: 1MiB}
    execution: {orphan_grace: 0}
    bot_sessions: {timeout: 5s}
    action_cache: {update_enabled: false}
`);
  const [main, dev] = config.instances;
  assert.ok(main && dev);
  assert.equal(main.execution.orphanGraceMs, 7000);
  assert.equal(main.services.length, 8);
  assert.equal(main.actionCache.updateEnabled, true);
  assert.deepEqual(dev.services, ["cas", "capabilities"]);
  assert.equal(dev.execution.orphanGraceMs, 0);
  assert.equal(dev.execution.maxAttempts, 3);
  assert.equal(dev.cas.maxBytes, 2 ** 30);
  assert.equal(dev.cas.maxBlobBytes, 2 ** 20);
  assert.equal(dev.botSessions.timeoutMs, 5000);
  assert.equal(dev.actionCache.updateEnabled, false);
});

test("lets an instance override parts of where its blobs are, or all of it", () => {
  const config = load(`
cas: {max_bytes: 1GiB, s3: {bucket: blobs, endpoint: "https://s3.example.com", expiry: 60d}}
instances:
  - main
  - name: small
    cas: {max_bytes: 2MiB}
  - name: moved
    cas: {s3: {bucket: others}}
  - name: local
    cas: {s3: {bucket: ""}}
`);
  const s3 = config.instances.map(({ cas }) => [cas.maxBytes, cas.s3.bucket, cas.s3.endpoint, cas.s3.expiryMs]);
  const common = ["https://s3.example.com", 60 * 86_400_000];
  assert.deepEqual(s3, [
    [2 ** 30, "blobs", ...common],
    [2 ** 21, "blobs", ...common],
    [2 ** 30, "others", ...common],
    [2 ** 30, "", ...common],
  ]);
});

test("refuses what is no bucket and no endpoint", () => {
  const problem = (setting: string) => {
    assert.throws(() => load(`cas: {s3: {${setting}}}`), ConfigError);
    try {
      load(`cas: {s3: {${setting}}}`);
    } catch (error) {
      return String(error);
    }
  };
  assert.match(`${problem('bucket: "s3://blobs"')}`, /cas\.s3\.bucket must be the name of a bucket/);
  assert.match(`${problem("bucket: [a]")}`, /cas\.s3\.bucket must be the name of a bucket/);
  assert.match(`${problem('endpoint: "localhost:9000"')}`, /cas\.s3\.endpoint must be a URL/);
  assert.match(`${problem('endpoint: "ftp://x"')}`, /cas\.s3\.endpoint must be a URL/);
  assert.match(`${problem("buckets: x")}`, /did you mean bucket/);
});

test("refuses two places for the blobs of one instance", () => {
  const grpc = '{url: "grpc://cas:50051", instance: main}';
  assert.throws(() => load(`cas: {s3: {bucket: b}, grpc: ${grpc}}`), /cas\.grpc\.url must be empty/);
  const mixed = (bucket: string) => `
cas: {s3: {bucket: b}}
instances: [main, {name: other, cas: {s3: {bucket: "${bucket}"}, grpc: ${grpc}}}]`;
  assert.throws(() => load(mixed("c")), /instances\[1\]\.cas\.grpc\.url must be empty/);
  assert.equal(load(mixed("")).instances[1]?.cas.grpc.instance, "main");
});

test("reads the list from a flag as names, and from a variable as YAML or JSON", () => {
  const names = (inputs: Parameters<typeof loadConfig>[0]) => loadConfig(inputs).instances.map(({ name }) => name);
  assert.deepEqual(names({ flags: { instances: "main,dev/linux" } }), ["main", "dev/linux"]);
  assert.deepEqual(names({ flags: { instances: ",main" } }), ["", "main"]);
  assert.deepEqual(names({ flags: { instances: "" } }), [""]);
  assert.deepEqual(names({ env: { OPGRID_INSTANCES: "[a, {name: b}]" } }), ["a", "b"]);
  const json = JSON.stringify([{ name: "a", cas: { max_bytes: "1GiB" } }]);
  assert.equal(loadConfig({ env: { OPGRID_INSTANCES: json } }).instances[0]?.cas.maxBytes, 2 ** 30);
});

test("replaces the list of the file by that of a flag", () => {
  const readFile = () => "instances: [a, b]";
  const config = loadConfig({
    flags: { config: "f", instances: "c" },
    readFile,
  });
  assert.deepEqual(
    config.instances.map(({ name }) => name),
    ["c"],
  );
});

test("accepts names with slashes, dots and letters of all scripts", () => {
  for (const name of ["", "a", "a/b/c", "release-1.2/linux", "büro", "..a", "blob", "x".repeat(256)]) {
    assert.equal(problemsOfName(name), "", name);
  }
});

test("refuses names that could not be told apart inside of resource names", () => {
  const bad: [string, RegExp][] = [
    ["/a", /slash/],
    ["a/", /slash/],
    ["a//b", /slash/],
    ["/", /slash/],
    ["a/./b", /\. or \.\./],
    ["..", /\. or \.\./],
    ["a\nb", /control/],
    ["two words", /white space/],
    ["a\u0085", /control/],
    ["*", /all instances/],
    ["-", /all instances/],
    ["x".repeat(257), /256/],
    ...["blobs", "uploads", "actions", "actionResults", "operations", "capabilities", "compressed-blobs"].map(
      (word): [string, RegExp] => [`a/${word}/b`, /reserved/],
    ),
  ];
  for (const [name, why] of bad) assert.match(problemsOfName(name), why, JSON.stringify(name));
});
