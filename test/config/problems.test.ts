import assert from "node:assert/strict";
import test from "node:test";
import { ConfigError, type ConfigInputs, loadConfig, printConfig } from "../../src/config/config.ts";

function problems(inputs: ConfigInputs): string[] {
  try {
    loadConfig(inputs);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.map(({ source, key, message }) => `${source}|${key}|${message}`);
  }
  return [];
}

function ofFile(text: string, inputs: ConfigInputs = {}): string[] {
  return problems({
    ...inputs,
    flags: { config: "o.yaml", ...inputs.flags },
    readFile: () => text,
  });
}

function one(list: string[]): string {
  assert.equal(list.length, 1, list.join("\n"));
  return list[0] ?? "";
}

test("names every problem at once, each with its setting and its place", () => {
  const file = `listen: 5
cas:
  max_bytes: plenty
  max_byte: 1GiB
limits: 7
instances:
  - a
  - services: [cash]
  - 5
  - name: a
  - name: b
    execution: {max_attempts: 0}
colour: blue
`;
  const env = {
    OPGRID_LISTE: "1",
    OPGRID_LOG_LEVEL: "loud",
    OPGRID_TLS_CERT: "cert.pem",
  };
  const found = ofFile(file, {
    env,
    flags: { bots: "many", "data-dri": "x" },
  }).map((text) => text.split("|").slice(0, 2).join("|"));
  assert.deepEqual(found.sort(), [
    "--bots|bots",
    "--data-dri|",
    "OPGRID_LISTE|",
    "OPGRID_LOG_LEVEL|log.level",
    "OPGRID_TLS_CERT|tls.cert",
    "o.yaml:10|instances[3].name",
    "o.yaml:12|instances[4].execution.max_attempts",
    "o.yaml:13|colour",
    "o.yaml:1|listen",
    "o.yaml:3|cas.max_bytes",
    "o.yaml:4|cas.max_byte",
    "o.yaml:5|limits",
    "o.yaml:8|instances[1].name",
    "o.yaml:8|instances[1].services[0]",
    "o.yaml:9|instances[2]",
  ]);
});

test("prints one line for each problem", () => {
  assert.throws(() => loadConfig({ flags: { bots: "x", listen: "y" } }), {
    message:
      /^the configuration has 2 problems:\n {2}--listen: listen must be host:port.*\n {2}--bots: bots must be an integer from 0 to 1024, not "x"$/,
  });
});

test("suggests the nearest name of a key, a variable and a flag", () => {
  assert.match(one(ofFile("cas: {max_byte: 1}")), /did you mean max_bytes\?/);
  assert.match(one(ofFile("instances: [{name: a, excution: {}}]")), /did you mean execution\?/);
  assert.match(one(ofFile("instances: [{name: a, execution: {orphan: 1s}}]")), /did you mean orphan_grace\?/);
  assert.match(one(ofFile("max_message_bytes: 1MiB")), /did you mean limits.max_message_bytes\?/);
  assert.match(one(problems({ env: { OPGRID_DATADIR: "x" } })), /did you mean OPGRID_DATA_DIR\?/);
  assert.match(one(problems({ flags: { "data-dri": "x" } })), /did you mean --data-dir\?/);
  assert.match(one(problems({ flags: { confg: "x" } })), /did you mean --config\?/);
  assert.doesNotMatch(one(problems({ flags: { zzzzzzzz: "x" } })), /did you mean/);
});

test("refuses values outside of their range", () => {
  const bad: Record<string, string> = {
    bots: "-1",
    "bot-capacity": "0",
    "execution-keep-alive": "61s",
    "execution-max-timeout": "25d",
    "limits-max-message-bytes": "2GiB",
    "execution-min-priority": "-3000000000",
    "shutdown-grace": "30",
    "action-cache-update-enabled": "yes",
    "log-format": "xml",
    "data-dir": "",
    listen: "[1.2.3.4]:5",
    "cors-allowed-origins": "https://example.com/path",
  };
  for (const [flag, text] of Object.entries(bad)) {
    assert.match(one(problems({ flags: { [flag]: text } })), new RegExp(`^--${flag}\\|.*must`), flag);
  }
});

test("points at the line of malformed YAML and of duplicate keys, and still checks the rest", () => {
  assert.match(one(ofFile("bots: 1\nlog: [")), /^o\.yaml:2\|\|/);
  assert.match(one(ofFile("bots: 1\ndata_dir: x\nbots: 2")), /^o\.yaml:3\|\|.*unique/);
  assert.equal(ofFile("bots: 1\nlog: [", { env: { OPGRID_BOTS: "x" } }).length, 2);
});

test("refuses a file that is no mapping, cannot be read, or expands without end", () => {
  assert.match(one(ofFile("- a\n- b")), /mapping/);
  assert.match(one(ofFile("hello")), /mapping/);
  const readFile = () => {
    throw new Error("ENOENT: no such file");
  };
  assert.match(one(problems({ flags: { config: "gone.yaml" }, readFile })), /^--config\|\|cannot read .*ENOENT/);
  assert.match(one(problems({ env: { OPGRID_CONFIG: "gone.yaml" }, readFile })), /^OPGRID_CONFIG\|/);
  const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]"];
  for (let i = 1; i < 9; i++)
    bomb.push(
      `a${i}: &a${i} [${Array(9)
        .fill(`*a${i > 1 ? i - 1 : ""}`)
        .join(",")}]`,
    );
  assert.match(one(ofFile(bomb.join("\n"))), /alias/);
});

test("treats names of JavaScript's own as unknown keys", () => {
  for (const name of ["__proto__", "constructor", "toString"])
    assert.match(one(ofFile(`${name}: {a: 1}`)), /not a setting/);
  assert.match(one(ofFile("cas: {__proto__: {max_bytes: 1GiB}}")), /not a setting/);
  assert.match(one(problems({ flags: { constructor: "x" } })), /not a flag/);
});

test("does not hide a section that is no mapping behind a variable", () => {
  assert.match(one(ofFile("cas: 5", { env: { OPGRID_CAS_MAX_BYTES: "1GiB" } })), /cas\|must be a mapping/);
});

test("reports a list that is malformed YAML", () => {
  assert.match(one(problems({ flags: { instances: "[a, " } })), /^--instances\|instances\|cannot be read/);
  assert.match(one(problems({ flags: { instances: "[]" } })), /must not be empty/);
});

test("finds settings that do not go together", () => {
  const clashes: [string, RegExp][] = [
    ["tls: {cert: a}", /tls\.cert\|needs tls\.key/],
    ["tls: {key: a}", /tls\.key\|needs tls\.cert/],
    ["tls: {cert: a, key: b, client_auth: required}", /client_auth\|needs tls\.client_ca/],
    ["tls: {cert: a, key: b, client_ca: c}", /client_ca\|has no effect/],
    ["tls: {plaintext: refuse}", /plaintext\|refuse needs tls\.cert/],
    ["tls: {cert: a, key: b, plaintext: refuse}", /\|bots\|must be 0 when tls\.plaintext is refuse/],
    ["cas: {grpc: {url: grpcs://h, cert: a}}", /\|cas\.grpc\.cert\|needs cas\.grpc\.key/],
    ["cas: {grpc: {url: grpcs://h, key: a}}", /\|cas\.grpc\.key\|needs cas\.grpc\.cert/],
    ["cas: {grpc: {url: grpc://h, ca: a}}", /\|cas\.grpc\.url\|must be grpcs/],
    [
      "cas: {grpc: {token: a}}\ninstances: [{name: b, cas: {grpc: {url: http://h}}}]",
      /\|instances\[0\]\.cas\.grpc\.url\|must/,
    ],
    ["bot: {instance: nobody}", /bot\.instance\|must be \* or the name of an instance/],
    ["execution: {min_priority: 5, max_priority: 1}", /\|execution\.min_priority\|must not be larger/],
    ["cas: {max_batch_bytes: 8MiB}", /\|cas\.max_batch_bytes\|must be at least 64KiB smaller/],
    ["limits: {max_message_bytes: 1MiB}", /\|cas\.max_batch_bytes\|must be at least 64KiB smaller/],
    ["instances: [{name: a, cas: {max_batch_bytes: 8MiB}}]", /instances\[0\]\.cas\.max_batch_bytes/],
    ["instances: [{name: a, execution: {min_priority: 2000}}]", /instances\[0\]\.execution\.min_priority/],
  ];
  for (const [file, expected] of clashes) assert.match(one(ofFile(file)), expected, file);
  assert.deepEqual(ofFile("bot: {instance: a}\ninstances: [a]"), []);
  assert.deepEqual(
    ofFile("tls: {cert: a, key: b, client_ca: c, client_auth: optional, plaintext: refuse}\nbots: 0"),
    [],
  );
});

test("quotes no password of a value that cannot be used", () => {
  const inputs: ConfigInputs[] = [
    ...["mysql://u:hunter2@h/d", "postgres://u:hun/ter2@h/d", "postgres://u:12/hunter2@h/d", "u:hunter2@h/d"].flatMap(
      (text) => [
        { flags: { store: text } },
        { env: { OPGRID_STORE_DIRECT_URL: text, OPGRID_STORE_URL: "postgres://h/d" } },
        { flags: { listen: text } },
        { flags: { config: "o.yaml" }, readFile: () => `store: ${text}` },
        { flags: { config: "o.yaml" }, readFile: () => `store: {url: {secret: "${text}"}}` },
        { flags: { instances: `[{name: a, cas: {s3: {endpoint: "${text}"` } },
      ],
    ),
    { flags: { store: "postgre://h/d?password=hunter2" } },
    { flags: { "cas-s3-endpoint": "https://hunter2@h" } },
    { env: { OPGRID_CAS_GRPC_URL: "grpc://u:hunter2@h:1" } },
    { flags: { instances: '[{name: a, cas: {grpc: {url: "grpc://u:hunter2@h:1"}}}]' } },
  ];
  for (const input of inputs) {
    const found = problems(input).join("\n");
    assert.notEqual(found, "");
    assert.doesNotMatch(found, /ter2/, JSON.stringify(input));
  }
});

test("prints no configuration that has a problem", () => {
  assert.throws(() => printConfig({ flags: { bots: "x" } }), ConfigError);
});
