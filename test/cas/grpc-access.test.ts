import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createSecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import {
  Capabilities,
  ContentAddressableStorage,
  DigestFunction_Value,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { createGrpcCas, type GrpcCasOptions } from "../../src/cas/cas.ts";
import { noOpenssl, testCertificates } from "../server/certificates.ts";
import { randomBlob, temporaryDirectory } from "./fixtures.ts";

const MIB = 1024 * 1024;

/** A CAS that wants a certificate of every client and a token in every call. */
async function startStrictCas(t: TestContext, token: string): Promise<string> {
  const { ca, server: own } = testCertificates();
  const check = (header: Headers) => {
    if (header.get("authorization") === `Bearer ${token}`) return;
    throw new ConnectError("the token is wrong", Code.Unauthenticated);
  };
  const routes = (router: ConnectRouter) => {
    router.rpc(Capabilities.method.getCapabilities, (_, { requestHeader }) => {
      check(requestHeader);
      return { cacheCapabilities: { digestFunctions: [DigestFunction_Value.SHA256] } };
    });
    router.rpc(ContentAddressableStorage.method.findMissingBlobs, ({ blobDigests }, { requestHeader }) => {
      check(requestHeader);
      return { missingBlobDigests: blobDigests };
    });
  };
  const tls = { ...own, ca, requestCert: true, rejectUnauthorized: true };
  const server = createSecureServer(tls, connectNodeAdapter({ routes })).listen(0, "127.0.0.1");
  t.after(() => void server.close());
  await once(server, "listening");
  return `grpcs://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("shows another CAS a certificate and a token, read from files", { skip: noOpenssl }, async (t) => {
  const directory = await temporaryDirectory(t);
  const { ca, client, stranger } = testCertificates();
  const files = {
    ca,
    cert: client.cert,
    key: client.key,
    token: "secret\n",
    wrong: "guess",
    other: stranger.cert,
    two: "a\nb",
  };
  const path = (name: keyof typeof files) => join(directory, name);
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  const url = await startStrictCas(t, "secret");
  const open = async (wish: Partial<GrpcCasOptions>) => {
    const where = await temporaryDirectory(t);
    const cache = { directory: where, maxBytes: MIB, maxBlobBytes: MIB, clock: systemClock, log: silentLog };
    return createGrpcCas({ url, instance: "", presenceTtlMs: 0, cache, ...wish });
  };
  const access = { ca: path("ca"), cert: path("cert"), key: path("key"), token: path("token") };

  await using cas = await open(access);
  assert.equal(await cas.has(randomBlob(10).digest), false);
  await assert.rejects(open({ ...access, token: path("wrong") }), /^Error: cas\.grpc: .*the token is wrong/);
  await assert.rejects(
    open({ ...access, token: path("two") }),
    /^Error: cas\.grpc\.token: there is no token in .*two$/,
  );
  await assert.rejects(open({ ...access, token: undefined }), /^Error: cas\.grpc: .*the token is wrong/);
  await assert.rejects(open({ ...access, key: join(directory, "gone") }), /^Error: cas\.grpc\.key: cannot read .*gone/);
  await assert.rejects(open({ ...access, ca: path("other") }), /^Error: cas\.grpc: .*self-signed certificate/);
  await assert.rejects(open({ ...access, cert: undefined, key: undefined }), /^Error: cas\.grpc: .*certificate/);
});
