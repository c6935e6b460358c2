import assert from "node:assert/strict";
import test from "node:test";
import { type Config, type ConfigInputs, loadConfig, settings } from "../../src/config/config.ts";

function load(file: string, inputs: ConfigInputs = {}): Config {
  return loadConfig({
    ...inputs,
    flags: { config: "opgrid.yaml", ...inputs.flags },
    readFile: () => file,
  });
}

test("needs nothing: the defaults are a working configuration", () => {
  const config = loadConfig();
  assert.deepEqual(config.listen, { host: "127.0.0.1", port: 50051 });
  assert.equal(config.dataDir, ".opgrid");
  assert.equal(config.bots, 2);
  assert.equal(config.bot.directory, ".opgrid/bots");
  assert.equal(config.tls.cert, undefined);
  assert.deepEqual(config.cors.allowedOrigins, ["loopback"]);
  assert.deepEqual(
    config.instances.map(({ name }) => name),
    ["", "main"],
  );
});

test("gives code bytes and milliseconds", () => {
  const config = load("limits: {max_message_bytes: 16MiB}\nshutdown: {grace: 1500ms}\nbot_sessions: {long_poll: 0}");
  assert.equal(config.limits.maxMessageBytes, 16 * 2 ** 20);
  assert.equal(config.shutdown.graceMs, 1500);
  assert.equal(config.instances[0]?.botSessions.longPollMs, 0);
});

test("lets the environment win over the file, and a flag over both", () => {
  const file = "bots: 3\ndata_dir: file\nlog: {level: warn}";
  const env = { OPGRID_BOTS: "4", OPGRID_LOG_LEVEL: "debug" };
  const config = load(file, { env, flags: { bots: "5" } });
  assert.equal(config.bots, 5);
  assert.equal(config.log.level, "debug");
  assert.equal(config.dataDir, "file");
});

test("finds the file by OPGRID_CONFIG, and by --config before that", () => {
  const readFile = (path: string) => `data_dir: from-${path}`;
  assert.equal(loadConfig({ readFile, env: { OPGRID_CONFIG: "a" } }).dataDir, "from-a");
  assert.equal(
    loadConfig({
      readFile,
      env: { OPGRID_CONFIG: "a" },
      flags: { config: "b" },
    }).dataDir,
    "from-b",
  );
});

test("accepts every setting as a variable and as a flag, with its default as the value", () => {
  const given = settings.filter(({ fallback, key }) => fallback !== undefined && key !== "instances");
  const env = Object.fromEntries(given.map(({ env, fallback }) => [env, String(fallback)]));
  const flags = Object.fromEntries(given.map(({ flag, fallback }) => [flag, String(fallback)]));
  assert.deepEqual(loadConfig({ env }), loadConfig());
  assert.deepEqual(loadConfig({ flags }), loadConfig());
});

test("gives no two settings the same variable or flag", () => {
  for (const name of ["key", "env", "flag"] as const) {
    assert.equal(new Set(settings.map((setting) => setting[name])).size, settings.length);
  }
});

test("takes descriptor sets as a list of paths, none unless given, and has a short flag for them", () => {
  assert.equal(loadConfig().json.descriptorSets, undefined);
  assert.deepEqual(load("json: {descriptor_sets: [a, b]}").json.descriptorSets, ["a", "b"]);
  assert.deepEqual(loadConfig({ env: { OPGRID_JSON_DESCRIPTOR_SETS: "a, b" } }).json.descriptorSets, ["a", "b"]);
  const flags = { "descriptor-set": "c" };
  assert.deepEqual(load("json: {descriptor_sets: [a]}", { flags }).json.descriptorSets, ["c"]);
  for (const wrong of ["a", "[1]", '[""]']) {
    assert.throws(() => load(`json: {descriptor_sets: ${wrong}}`), /opgrid.yaml:1: json.descriptor_sets.* path/);
  }
});

test("takes a key without a value and a variable set to nothing as not given", () => {
  const config = load("tls:\n#  cert: a\ncas:\n  max_bytes:\nbots:", {
    env: { OPGRID_LISTEN: "", OPGRID_CONFIG: "" },
  });
  assert.deepEqual(config, loadConfig());
  assert.deepEqual(load("# nothing at all"), loadConfig());
});

test("passes over what Kubernetes sets beside a service of this name, and over variables of clients", () => {
  const env = {
    OPGRID_PORT: "tcp://10.0.0.1:50051",
    OPGRID_SERVICE_HOST: "10.0.0.1",
    OPGRID_SERVICE_PORT_GRPC: "50051",
    OPGRID_PORT_50051_TCP_ADDR: "10.0.0.1",
    OPGRID_REMOTE: "http://127.0.0.1:1",
    PATH: "/bin",
  };
  assert.deepEqual(loadConfig({ env }), loadConfig());
});

test("reads lists from text, separated by commas or as YAML", () => {
  const origins = (text: string) => loadConfig({ flags: { "cors-allowed-origins": text } }).cors.allowedOrigins;
  assert.deepEqual(origins("https://a.example, http://b.example:81"), ["https://a.example", "http://b.example:81"]);
  assert.deepEqual(origins('["https://a.example"]'), ["https://a.example"]);
});

test("holds what depends on another setting to it", () => {
  const config = load("data_dir: /data\ncas: {max_bytes: 1GiB}\nexecution: {max_timeout: 10m}");
  assert.equal(config.bot.directory, "/data/bots");
  assert.equal(config.instances[0]?.cas.maxBlobBytes, 2 ** 30);
  assert.equal(config.instances[0]?.execution.defaultTimeoutMs, 600_000);
  assert.equal(load("bot: {directory: /bots}").bot.directory, "/bots");
});

test("reads no environment but the one that it is given", () => {
  process.env.OPGRID_BOTS = "77";
  try {
    assert.equal(loadConfig().bots, 2);
  } finally {
    delete process.env.OPGRID_BOTS;
  }
});
