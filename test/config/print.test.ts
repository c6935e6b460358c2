import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import {
  ConfigError,
  type ConfigInputs,
  loadConfig,
  printConfig,
  serviceNames,
  settings,
} from "../../src/config/config.ts";

const reload = (yaml: string) => loadConfig({ flags: { config: "printed.yaml" }, readFile: () => yaml });

const samples: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  listen: fc.constantFrom("[::1]:0", "0.0.0.0:1", "localhost:2", "a-b.example:65535"),
  data_dir: fc.string({ minLength: 1, unit: "grapheme" }).filter((text) => !text.includes("\0")),
  "store.url": fc.constantFrom("sqlite", "postgres://opgrid@db.example:5432/opgrid?sslmode=require"),
  bots: fc.integer({ min: 0, max: 1024 }),
  "bot.sandbox": fc.constantFrom("none", "bubblewrap"),
  "json.descriptor_sets": fc.constantFrom(["a.binpb"], ["a b", "c: d"]),
  "cors.allowed_origins": fc.constantFrom(["*"], ["https://a.example", "http://b.example:81"]),
  "operations.default_filter": fc.string(),
  "cas.max_bytes": fc.oneof(fc.constantFrom("64MiB", "10GB", "1.5TiB"), fc.integer({ min: 2 ** 20, max: 2 ** 50 })),
  "action_cache.update_enabled": fc.boolean(),
  "execution.orphan_grace": fc.constantFrom(0, "0", "1500ms", "2h"),
  "execution.min_priority": fc.integer({ min: -(2 ** 31), max: 1000 }),
  "log.level": fc.constantFrom("debug", "silent"),
};

const section = fc.record({
  execution: fc.record({ max_attempts: fc.integer({ min: 1, max: 100 }) }),
});

const instance = fc.oneof(
  fc.stringMatching(/^[a-z]{1,5}(\/[a-z0-9]{1,5})?$/),
  fc
    .tuple(
      fc.stringMatching(/^([A-Z#:'"-]{1,8})?$/).filter((name) => name !== "-"),
      fc.uniqueArray(fc.constantFrom(...serviceNames), { minLength: 1 }),
      section,
    )
    .map(([name, services, sections]) => ({ name, services, ...sections })),
);

const content = fc.record(
  {
    ...samples,
    instances: fc.uniqueArray(instance, {
      minLength: 1,
      maxLength: 4,
      selector: (item) => (typeof item === "string" ? item : item.name),
    }),
  },
  { requiredKeys: [] },
);

/** Gives a setting to the place that `where` chooses: the file, a variable or a flag. */
function spread(values: Readonly<Record<string, unknown>>, where: readonly number[]): ConfigInputs {
  const file: Record<string, Record<string, unknown> | unknown> = {};
  const env: Record<string, string> = {};
  const flags: Record<string, string> = {};
  for (const [index, [key, value]] of Object.entries(values).entries()) {
    const setting = settings.find((candidate) => candidate.key === key);
    assert.ok(setting, key);
    const text = Array.isArray(value) ? JSON.stringify(value) : String(value);
    const place = where[index] ?? 0;
    if (place === 1 && text !== "") env[setting.env] = text;
    else if (place === 2) flags[setting.flag] = text;
    else if (setting.path.length === 1) file[key] = value;
    else {
      const [head = "", tail = ""] = setting.path;
      file[head] = { ...(file[head] as object | undefined), [tail]: value };
    }
  }
  return {
    env,
    flags: { ...flags, config: "first.yaml" },
    readFile: () => JSON.stringify(file),
  };
}

test("prints a file that loads to the same configuration, wherever the values came from", () => {
  fc.assert(
    fc.property(content, fc.array(fc.nat({ max: 2 }), { minLength: 20, maxLength: 20 }), (values, where) => {
      const inputs = spread(values, where);
      assert.deepEqual(reload(printConfig(inputs)), loadConfig(inputs));
    }),
    { numRuns: 200 },
  );
});

test("prints every setting that has a value, with its source", () => {
  const inputs: ConfigInputs = {
    flags: { config: "o.yaml", listen: "[::1]:0" },
    env: { OPGRID_TLS_CERT: "c.pem", OPGRID_TLS_KEY: "k.pem" },
    readFile: () => "bots: 1\ninstances:\n  - main\n",
  };
  const lines = printConfig(inputs).split("\n");
  assert.ok(lines.includes('listen: "[::1]:0" # --listen'));
  assert.ok(lines.includes("  cert: c.pem # OPGRID_TLS_CERT"));
  assert.ok(lines.includes("bots: 1 # o.yaml:1"));
  assert.ok(lines.includes("  grace: 20s # default"));
  assert.ok(lines.includes("  # o.yaml:2"));
  const named = settings.filter(({ path }) => lines.some((line) => line.trim().startsWith(`${path.at(-1)}:`)));
  assert.deepEqual(
    settings.filter((setting) => !named.includes(setting)).map(({ key }) => key),
    ["store.direct_url", "bot.directory", "tls.client_ca", "json.descriptor_sets", "cas.grpc.ca", "cas.grpc.token"],
  );
});

test("prints no password of a database, and keeps the rest of its URL", () => {
  const env = {
    OPGRID_STORE_URL: "postgres://me:hunter2@db:5432/opgrid?sslmode=require",
    OPGRID_STORE_DIRECT_URL: "postgres://db/opgrid?user=me&password=hunter2&sslmode=require",
  };
  assert.equal(loadConfig({ env }).store.url, env.OPGRID_STORE_URL);
  const printed = printConfig({ env });
  assert.doesNotMatch(printed, /hunter2/);
  assert.match(
    printed,
    /url: postgres:\/\/me@db:5432\/opgrid\?sslmode=require # OPGRID_STORE_URL, without its password\n/,
  );
  assert.equal(reload(printed).store.directUrl, "postgres://db/opgrid?user=me&sslmode=require");
});

test("loads nothing worse than a list of problems, whatever the file holds", () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
      try {
        reload(text);
      } catch (error) {
        assert.ok(error instanceof ConfigError, String(error));
      }
    }),
    { numRuns: 300 },
  );
});
