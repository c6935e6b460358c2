import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import test from "node:test";
import { failedPrecondition, invalidField, type StatusError, unavailable } from "../../src/base/errors.ts";
import { startFakeServer } from "./fake-server.ts";
import { runCli } from "./run-cli.ts";

async function errorOf(t: test.TestContext, error: InstanceType<typeof StatusError>): Promise<string> {
  const getOperation = () => {
    throw error;
  };
  const { url } = await startFakeServer(t, { operations: { getOperation } });
  const { code, out, err } = await runCli(["operation", "get", "a", "--remote", url]);
  assert.deepEqual({ code, out }, { code: 1, out: "" });
  return err;
}

test("tells the code, the message and the details of a failed call", async (t) => {
  assert.equal(
    await errorOf(t, invalidField("name", "must not be empty")),
    "error: INVALID_ARGUMENT: name: must not be empty\n",
  );
  assert.equal(
    await errorOf(t, failedPrecondition("no", [{ type: "MISSING", subject: "blobs/ab/1", description: "the input" }])),
    "error: FAILED_PRECONDITION: no\n  MISSING blobs/ab/1: the input\n",
  );
  assert.equal(await errorOf(t, unavailable("stopping", 1500)), "error: UNAVAILABLE: stopping\n  try again in 1.5s\n");
});

test("lets no control character of a server's message reach the terminal", async (t) => {
  const err = await errorOf(t, unavailable("a\u001b[2Jb\nsecond line", 0));
  assert.match(err, /^error: UNAVAILABLE: a\\x1b\[2Jb\n {2}second line\n/);
});

test("hints at what may be wrong when there is no server, no machine, or a server of another kind", async (t) => {
  const get = async (remote: string) => (await runCli(["operation", "get", "a", "--remote", remote])).err;
  assert.match(await get("http://127.0.0.1:1"), /hint: nothing listens there/);
  assert.match(await get("http://nobody.invalid:1"), /hint: there is no machine of this name/);
  const { url } = await startFakeServer(t, {});
  assert.match(await get(url.replace("http", "https")), /^error: .*\n {2}hint: /);
  const mute = createServer((socket) => socket.end("220 mail.example ESMTP\r\n"));
  mute.listen(0, "127.0.0.1");
  await once(mute, "listening");
  t.after(() => mute.close());
  assert.match(await get(`http://127.0.0.1:${(mute.address() as AddressInfo).port}`), /^error: .*\n {2}hint: /);
});

test("refuses flags that cannot be used, with exit code 2 and before it calls anybody", async () => {
  const bad: [string[], RegExp][] = [
    [["--remote", "ftp://x"], /--remote: must be like/],
    [["--remote", "http://a b"], /--remote/],
    [["--remote", "http://127.0.0.1:1/path"], /--remote/],
    [["--remote", ""], /--remote/],
    [["--auth-token", "/nonexistent/token"], /--auth-token: cannot read .*ENOENT/],
    [["--tls-ca", "/nonexistent/ca"], /--tls-ca: cannot read/],
    [["--tls-cert", import.meta.filename], /--tls-cert and --tls-key go together/],
    [["--colour"], /unknown option '--colour'/],
  ];
  for (const [argv, message] of bad) {
    const { code, err } = await runCli(["operation", "get", "a", ...argv]);
    assert.equal(code, 2, argv.join(" "));
    assert.match(err, message);
  }
});

test("asks for what is missing and suggests what was meant", async () => {
  const usage: [string[], RegExp][] = [
    [["operation", "get"], /missing required argument 'name'/],
    [["operation", "delete"], /missing required argument 'names'/],
    [["operation", "cancel"], /name operations, or say which ones by --filter/],
    [["operation", "get", "a", "b"], /too many arguments/],
    [["operation", "lst"], /Did you mean list\?/],
    [["sevre"], /Did you mean serve\?/],
    [["operation", "list", "--fliter", "x"], /Did you mean --filter\?/],
    [["bot", "--property", "novalue"], /--property: must be NAME=VALUE/],
    [["bot", "--capacity", "0"], /--capacity: must be a whole number/],
    [["bot", "--sandbox", "docker"], /Allowed choices are none, bubblewrap/],
    [["bot", "--cache-max-bytes", "10G"], /--cache-max-bytes: must be a size/],
    [["bot", "--grace", "30"], /--grace: must be a duration/],
    [["serve", "extra"], /unexpected argument: extra/],
  ];
  for (const [argv, message] of usage) {
    const { code, err } = await runCli(argv);
    assert.equal(code, 2, argv.join(" "));
    assert.match(err, message, argv.join(" "));
  }
});
