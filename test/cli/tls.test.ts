import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { startServer } from "../helpers/start-server.ts";
import { noOpenssl, testCertificates } from "../server/certificates.ts";
import { runCli } from "./run-cli.ts";

test("reaches a server that speaks only TLS and asks for certificates", { skip: noOpenssl }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "opgrid-cli-tls-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const made = testCertificates();
  const file = (name: string, text: string) => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return path;
  };
  const ca = file("ca.pem", made.ca);
  const cert = file("client.pem", made.client.cert);
  const key = file("client.key", made.client.key);
  const { url } = await startServer(t, {
    "tls-cert": file("server.pem", made.server.cert),
    "tls-key": file("server.key", made.server.key),
    "tls-client-ca": ca,
    "tls-client-auth": "required",
    "tls-plaintext": "refuse",
  });
  const list = (remote: string, ...argv: string[]) => runCli(["operation", "list", "--remote", remote, ...argv]);
  const secure = url.replace(/^https?:/, "grpcs:");
  const own = ["--tls-cert", cert, "--tls-key", key];
  assert.equal((await list(secure, "--tls-ca", ca, ...own)).code, 0);
  assert.equal((await list(secure, "--server-cert", ca, "--client-cert", cert, "--client-key", key)).code, 0);
  assert.match((await list(secure, ...own)).err, /hint: the server's certificate is not trusted/);
  assert.equal((await list(secure, "--tls-ca", ca)).code, 1);
  assert.match((await list(secure.replace("grpcs:", "grpc:"))).err, /^error: .*\n {2}hint: /);
});
