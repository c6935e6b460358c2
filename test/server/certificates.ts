import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Why the tests that need certificates cannot run here; false when they can. */
export const noOpenssl: string | false = spawnSync("openssl", ["version"]).error ? "needs openssl" : false;

/** A certificate with its key, as PEM texts. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** An authority, the server's certificate for 127.0.0.1 and a client's, and a client of a foreign authority. */
export interface TestCertificates {
  readonly ca: string;
  readonly server: KeyPair;
  readonly client: KeyPair;
  readonly stranger: KeyPair;
}

const CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

let made: TestCertificates | undefined;

/** Certificates that are valid for a day, the same ones for all tests of a file. */
export function testCertificates(): TestCertificates {
  made ??= makeCertificates();
  return made;
}

function makeCertificates(): TestCertificates {
  const dir = mkdtempSync(join(tmpdir(), "opgrid-certificates-"));
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: dir, stdio: "pipe" });
  const read = (name: string): KeyPair => ({
    cert: readFileSync(join(dir, `${name}.pem`), "utf8"),
    key: readFileSync(join(dir, `${name}.key`), "utf8"),
  });
  const authority = (name: string) =>
    openssl(
      "req",
      "-x509",
      ...CURVE,
      "-days",
      "1",
      "-subj",
      `/CN=${name}`,
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.pem`,
    );
  const signed = (name: string, ca: string) => {
    openssl("req", ...CURVE, "-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.csr`);
    openssl(
      "x509",
      "-req",
      "-days",
      "1",
      "-in",
      `${name}.csr`,
      "-CA",
      `${ca}.pem`,
      "-CAkey",
      `${ca}.key`,
      "-CAcreateserial",
      "-extfile",
      "san",
      "-out",
      `${name}.pem`,
    );
    return read(name);
  };
  try {
    writeFileSync(join(dir, "san"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
    authority("ca");
    authority("foreign");
    return {
      ca: read("ca").cert,
      server: signed("server", "ca"),
      client: signed("client", "ca"),
      stranger: signed("stranger", "foreign"),
    };
  } finally {
    rmSync(dir, { recursive: true });
  }
}
