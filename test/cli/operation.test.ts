import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { create } from "@bufbuild/protobuf";
import { encodeBinaryHeader } from "@connectrpc/connect";
import { RequestMetadataSchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { ClientIdentitySchema } from "../../gen/build/buildgrid/identity_pb.ts";
import { invalidArgument, notFound } from "../../src/base/errors.ts";
import { startFakeServer } from "./fake-server.ts";
import { runCli } from "./run-cli.ts";
import { exited, operation } from "./samples.ts";

const requestMetadata = create(RequestMetadataSchema, {
  toolDetails: { toolName: "bazel", toolVersion: "4.2.3" },
  targetId: "//a:b",
  actionMnemonic: "Genrule",
  toolInvocationId: "inv-1",
});
const identity = create(ClientIdentitySchema, { actor: "ci", subject: "alice", workflow: "nightly" });

/** A server that knows one failed operation and who asked for it. */
function withOrigin(t: test.TestContext) {
  return startFakeServer(t, {
    operations: {
      getOperation: ({ name }, { responseTrailer }) => {
        responseTrailer.set(
          "build.bazel.remote.execution.v2.requestmetadata-bin",
          encodeBinaryHeader(requestMetadata, RequestMetadataSchema),
        );
        responseTrailer.set("buildgrid.v2.clientidentity-bin", encodeBinaryHeader(identity, ClientIdentitySchema));
        return operation({ name, response: exited(3) });
      },
    },
  });
}

test("shows an operation and who asked for it", async (t) => {
  const { url } = await withOrigin(t);
  const { code, out } = await runCli(["operation", "get", "main/1", "--remote", url]);
  assert.equal(code, 0);
  assert.equal(
    out,
    `name:        main/1
stage:       COMPLETED
result:      exit 3
action:      ${"ab".repeat(32)}/142
worker:      bot-1
queued:      2026-01-01T12:00:00.000Z (waited 2.0s)
started:     2026-01-01T12:00:02.000Z (ran 3.5s)
completed:   2026-01-01T12:00:05.500Z
tool:        bazel 4.2.3
target:      //a:b
mnemonic:    Genrule
invocation:  inv-1
actor:       ci
subject:     alice
workflow:    nightly
`,
  );
});

test("prints an operation as JSON with both trailers beside", async (t) => {
  const { url } = await withOrigin(t);
  const { out } = await runCli(["operation", "get", "main/1", "--json", "--remote", url]);
  const json = JSON.parse(out);
  assert.equal(json.name, "main/1");
  assert.equal(json.response.result.exitCode, 3);
  assert.equal(json.requestMetadata.toolDetails.toolName, "bazel");
  assert.deepEqual(json.clientIdentity, { actor: "ci", subject: "alice", workflow: "nightly" });
});

test("does without trailers, and with damaged ones", async (t) => {
  const { url } = await startFakeServer(t, {
    operations: {
      getOperation: (_, { responseTrailer }) => {
        responseTrailer.set("buildgrid.v2.clientidentity-bin", "////");
        return operation();
      },
    },
  });
  const { code, out } = await runCli(["operation", "get", "main/1", "--remote", url]);
  assert.equal(code, 0);
  assert.doesNotMatch(out, /actor|tool/);
});

test("completes a bare id with the instance, and leaves a full name alone", async (t) => {
  const names: string[] = [];
  const { url } = await startFakeServer(t, {
    operations: {
      cancelOperation: ({ name }) => {
        names.push(name);
        return {};
      },
    },
  });
  const cancel = (...argv: string[]) => runCli(["operation", "cancel", "--remote", url, ...argv]);
  assert.equal((await cancel("a", "--instance-name", "dev/linux")).out, "cancelled dev/linux/a\n");
  await cancel("main/b", "--instance-name", "dev/linux");
  await cancel("c");
  assert.deepEqual(names, ["dev/linux/a", "main/b", "c"]);
});

test("goes through all names of cancel and delete, and fails when one did", async (t) => {
  const { url } = await startFakeServer(t, {
    operations: {
      cancelOperation: ({ name }) => {
        if (name === "main/2") throw invalidArgument("OPERATION_NOT_FOUND", "no such operation", { operation: name });
        return {};
      },
      deleteOperation: ({ name }) => {
        if (name === "main/1") throw notFound("operation", name);
        return {};
      },
    },
  });
  const cancel = await runCli(["operation", "cancel", "main/1", "main/2", "main/3", "--remote", url]);
  assert.equal(cancel.code, 1);
  assert.equal(cancel.out, "cancelled main/1\ncancelled main/3\n");
  assert.equal(
    cancel.err,
    "error: main/2: INVALID_ARGUMENT: no such operation\n  reason: OPERATION_NOT_FOUND operation=main/2\n",
  );
  const remove = await runCli(["operation", "delete", "main/1", "main/2", "--remote", url]);
  assert.equal(remove.code, 1);
  assert.equal(remove.out, "deleted main/2\n");
  assert.match(remove.err, /main\/1: NOT_FOUND/);
});

test("sends the token of a file with each call", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "opgrid-cli-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "token");
  writeFileSync(file, "s3cret\n");
  const seen: (string | null)[] = [];
  const { url } = await startFakeServer(t, {
    operations: {
      getOperation: (_, { requestHeader }) => {
        seen.push(requestHeader.get("authorization"));
        return operation();
      },
    },
  });
  await runCli(["operation", "get", "a", "--remote", url, "--auth-token", file]);
  await runCli(["operation", "get", "a", "--remote", url], { env: { OPGRID_AUTH_TOKEN: file } });
  await runCli(["operation", "get", "a", "--remote", url]);
  assert.deepEqual(seen, ["Bearer s3cret", "Bearer s3cret", null]);
});
