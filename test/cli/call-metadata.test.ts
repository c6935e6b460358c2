import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeBinaryHeader } from "@connectrpc/connect";
import { RequestMetadataSchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { startFakeServer } from "./fake-server.ts";
import { runCli } from "./run-cli.ts";

const HEADER = "build.bazel.remote.execution.v2.requestmetadata-bin";

test("a call says for which build it is made when the flags do, and else nothing", async (t) => {
  const seen: (string | null)[] = [];
  const { url } = await startFakeServer(t, {
    operations: {
      listOperations: (_, context) => {
        seen.push(context.requestHeader.get(HEADER));
        return {};
      },
    },
  });
  const list = (...flags: string[]) => runCli(["operation", "list", "--remote", url, ...flags]);
  assert.equal((await list()).code, 0);
  assert.equal((await list("--action-id", "a", "--invocation-id", "i", "--correlation-id", "c")).code, 0);
  const [without, sent] = seen;
  assert.equal(without, null);
  assert.ok(sent);
  const metadata = decodeBinaryHeader(sent, RequestMetadataSchema);
  assert.deepEqual(
    [metadata.toolDetails?.toolName, metadata.actionId, metadata.toolInvocationId, metadata.correlatedInvocationsId],
    ["opgrid", "a", "i", "c"],
  );
});
