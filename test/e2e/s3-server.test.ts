import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { DeleteObjectCommand, HeadObjectCommand } from "@aws-sdk/client-s3";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  ActionSchema,
  CommandSchema,
  type Digest,
  DirectorySchema,
  ExecuteResponseSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import type { Operation } from "../../gen/google/longrunning/operations_pb.ts";
import { PreconditionFailureSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { digestOf } from "../../src/base/digests.ts";
import { Code, StatusError } from "../../src/base/errors.ts";
import { credentials, startS3 } from "../helpers/ceph.ts";
import { type Clients, connect } from "../helpers/e2e-actions.ts";
import { requireEngine } from "../helpers/e2e-engines.ts";
import { startOpgrid } from "../helpers/e2e-server.ts";

const instanceName = "main";

type Named = Pick<Digest, "hash" | "sizeBytes">;

function blob(data: Uint8Array) {
  const { hash, sizeBytes } = digestOf(data);
  return { data: new Uint8Array(data), digest: { hash, sizeBytes: BigInt(sizeBytes) } };
}

/** Stores an action that joins its input and a word into a file, and names the digests of all that it consists of. */
async function putAction({ cas }: Clients, word: string) {
  const input = blob(Buffer.from(`${randomUUID()}\n`));
  const script = `cat input && cat input > out && echo ${word} >> out`;
  const command = blob(
    toBinary(
      CommandSchema,
      create(CommandSchema, {
        arguments: ["/bin/sh", "-c", script],
        environmentVariables: [{ name: "PATH", value: "/usr/bin:/bin" }],
        outputPaths: ["out"],
      }),
    ),
  );
  const files = [{ name: "input", digest: input.digest }];
  const root = blob(toBinary(DirectorySchema, create(DirectorySchema, { files })));
  const digests = { commandDigest: command.digest, inputRootDigest: root.digest };
  const action = blob(toBinary(ActionSchema, create(ActionSchema, digests)));
  const { responses } = await cas.batchUpdateBlobs({ instanceName, requests: [input, command, root, action] });
  for (const { status } of responses) assert.equal(status?.message ?? "", "");
  return { action: action.digest, input };
}

async function execute({ execution }: Clients, actionDigest: Named) {
  let last: Operation | undefined;
  for await (const state of execution.execute({ instanceName, actionDigest })) last = state;
  assert(last?.result.case === "response");
  const response = fromBinary(ExecuteResponseSchema, last.result.value.value);
  assert.equal(response.status?.message ?? "", "");
  return response;
}

async function read({ cas }: Clients, digest: Named): Promise<string> {
  const { responses } = await cas.batchReadBlobs({ instanceName, digests: [digest] });
  assert.equal(responses[0]?.status?.message ?? "", "");
  return Buffer.from(responses[0]?.data ?? []).toString();
}

test("a farm whose blobs are in S3 has its outputs after a restart with an empty cache", {
  timeout: 90_000,
}, async (t) => {
  if (!requireEngine(t, "radosgw")) return;
  await using s3 = await startS3();
  const bucket = await s3.createBucket();
  let dataDir = "";
  const { accessKeyId, secretAccessKey } = credentials;
  const server = await startOpgrid(t, {
    flags: [
      "--cas-s3-bucket",
      bucket,
      "--cas-s3-endpoint",
      s3.endpoint,
      "--cas-s3-prefix",
      "farm/",
      "--cas-s3-presence-ttl",
      "0s",
    ],
    prepare: async (directory) => {
      dataDir = directory;
      // The directory above is the home of the server.
      const profile = join(dirname(directory), ".aws", "credentials");
      await mkdir(dirname(profile));
      const lines = ["[default]", `aws_access_key_id = ${accessKeyId}`, `aws_secret_access_key = ${secretAccessKey}`];
      await writeFile(profile, `${lines.join("\n")}\n`);
    },
  });
  using before = connect(server.url);
  const { action, input } = await putAction(before, "done");
  const { result } = await execute(before, action);
  const output = result?.outputFiles[0]?.digest;
  assert(output);
  const text = `${Buffer.from(input.data)}done\n`;
  assert.equal(await read(before, output), text);
  assert.equal(output.hash, createHash("sha256").update(text).digest("hex"));

  await server.kill();
  const caches = ["main", "+nameless"].map((name) => join(dataDir, "instances", name, "cas-cache"));
  for (const cache of caches) {
    assert.equal(existsSync(cache), true);
    await rm(cache, { recursive: true });
    assert.equal(existsSync(join(dirname(cache), "cas")), false);
  }
  await server.restart();
  using after = connect(server.url);
  assert.equal(await read(after, output), text);
  assert.equal((await execute(after, action)).cachedResult, true);

  const keyOf = ({ hash, sizeBytes }: Named) => `farm/main/blobs/sha256/${hash.slice(0, 2)}/${hash}-${sizeBytes}`;
  const head = await s3.client.send(new HeadObjectCommand({ Bucket: bucket, Key: keyOf(output) }));
  assert.equal(head.ContentLength, text.length);

  const other = await putAction(after, "never");
  await s3.client.send(new DeleteObjectCommand({ Bucket: bucket, Key: keyOf(other.input.digest) }));
  await assert.rejects(execute(after, other.action), (error) => {
    assert.ok(error instanceof StatusError);
    assert.equal(error.code, Code.FailedPrecondition);
    const [violation] = error.findDetails(PreconditionFailureSchema)[0]?.violations ?? [];
    const { hash, sizeBytes } = other.input.digest;
    assert.deepEqual([violation?.type, violation?.subject], ["MISSING", `blobs/${hash}/${sizeBytes}`]);
    return true;
  });
  await s3.kill();
  await assert.rejects(
    read(after, other.input.digest).then(() => putAction(after, "later")),
    /cannot be reached/,
  );
  await s3.restart();
  assert.equal((await execute(after, (await putAction(after, "again")).action)).result?.exitCode, 0);
});
