import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { AnySchema, anyPack, EmptySchema } from "@bufbuild/protobuf/wkt";
import { argumentsText, outputPathsOf, scriptText } from "../../dashboard/src/operation/command-text.ts";
import { elsewhere } from "../../dashboard/src/operation/elsewhere.ts";
import { factsOf } from "../../dashboard/src/operation/facts.ts";
import { eventText } from "../../dashboard/src/operation/history.ts";
import { rawJson } from "../../dashboard/src/operation/raw-json.ts";
import {
  CommandSchema,
  ExecuteOperationMetadataSchema,
  ExecuteResponseSchema,
  ExecutionStage_Value,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { OperationSchema } from "../../gen/google/longrunning/operations_pb.ts";
import { JobEventSchema, JobEventType } from "../../gen/opgrid/v1/opgrid_pb.ts";

const HOSTILE = `it's "$HOME" \`id\` $(id) \\ ; rm -rf * \n two`;

/** The words that a shell makes of a command line. */
function words(line: string): string[] {
  const out = execFileSync("/bin/sh", ["-c", `printf '%s\\0' ${line}`], { encoding: "utf8" });
  return out.split("\0").slice(0, -1);
}

test("a shell reads the arguments as they are", () => {
  const command = create(CommandSchema, { arguments: ["cc", "", HOSTILE, "-DX='1'", "~/a", "é"] });
  assert.deepEqual(words(argumentsText(command)), command.arguments);
});

test("the command runs in a shell with its environment and nothing else", () => {
  const command = create(CommandSchema, {
    arguments: ["/bin/sh", "-c", 'pwd; printf %s "$A"; printf %s "$HOME"'],
    environmentVariables: [{ name: "A", value: HOSTILE }],
    workingDirectory: "tmp",
  });
  const out = execFileSync("/bin/sh", ["-c", scriptText(command)], { cwd: "/", encoding: "utf8" });
  assert.equal(out, `/tmp\n${HOSTILE}`);
});

test("outputs are those of the new field, or of both old ones", () => {
  const old = { outputFiles: ["a"], outputDirectories: ["b"] };
  assert.deepEqual(outputPathsOf(create(CommandSchema, old)), ["a", "b"]);
  assert.deepEqual(outputPathsOf(create(CommandSchema, { ...old, outputPaths: ["c"] })), ["c"]);
});

test("commands for elsewhere take names of any kind, and the port and scheme of the page", () => {
  const name = 'it\'s a "farm"/x/0198';
  const plain = elsewhere({ protocol: "http:", hostname: "127.0.0.1", port: "50051" }, name);
  for (const { tool, text } of plain) {
    const argv = words(text);
    if (tool === "opgrid") assert.deepEqual([argv[4], argv.at(-1)], ["http://127.0.0.1:50051", name]);
    else assert.deepEqual(JSON.parse(argv[argv.indexOf("-d") + 1] ?? ""), { name });
    assert.equal(argv.includes("-plaintext"), tool === "grpcurl");
  }
  const secure = elsewhere({ protocol: "https:", hostname: "farm.example.com", port: "" }, "0198");
  assert.ok(secure.every(({ text }) => text.includes("farm.example.com:443") && !text.includes("-plaintext")));
  assert.ok(
    elsewhere({ protocol: "http:", hostname: "[::1]", port: "80" }, "-x/1").some(({ text }) =>
      text.endsWith(" -- -x/1"),
    ),
  );
});

test("an operation is unpacked, whatever it holds", () => {
  const metadata = anyPack(
    ExecuteOperationMetadataSchema,
    create(ExecuteOperationMetadataSchema, { stage: ExecutionStage_Value.COMPLETED, digestFunction: 1 }),
  );
  const response = anyPack(
    ExecuteResponseSchema,
    create(ExecuteResponseSchema, { result: { exitCode: 3 }, cachedResult: true }),
  );
  const ok = factsOf(create(OperationSchema, { done: true, metadata, result: { case: "response", value: response } }));
  assert.deepEqual([ok.standing.exitCode, ok.standing.cached, ok.standing.errorCode], [3, true, 0]);

  const value = { code: 4, message: "too long", details: [response, anyPack(EmptySchema, create(EmptySchema))] };
  const failed = factsOf(create(OperationSchema, { done: true, metadata, result: { case: "error", value } }));
  assert.deepEqual([failed.standing.errorCode, failed.standing.exitCode], [4, undefined]);
  assert.deepEqual([failed.result?.exitCode, failed.error?.details.length], [3, 1]);

  const bad = { typeUrl: response.typeUrl, value: Uint8Array.of(255) };
  const damaged = factsOf(
    create(OperationSchema, { done: true, metadata: bad, result: { case: "response", value: bad } }),
  );
  assert.deepEqual([damaged.response, damaged.standing.stage], [undefined, ExecutionStage_Value.UNKNOWN]);
});

test("JSON is made of every operation, with unknown and damaged Anys as they are", () => {
  const odd = { typeUrl: "type.googleapis.com/acme.Odd", value: Uint8Array.of(1, 2) };
  const broken = { typeUrl: `type.googleapis.com/${ExecuteResponseSchema.typeName}`, value: Uint8Array.of(255) };
  const response = anyPack(
    ExecuteResponseSchema,
    create(ExecuteResponseSchema, { result: { executionMetadata: { auxiliaryMetadata: [odd] } } }),
  );
  const operation = create(OperationSchema, {
    name: "a",
    metadata: broken,
    result: { case: "response", value: response },
  });
  const json = JSON.parse(rawJson(OperationSchema, operation));
  assert.deepEqual(json.metadata, { "@type": broken.typeUrl, value: "/w==" });
  assert.deepEqual(json.response.result.executionMetadata.auxiliaryMetadata, [{ "@type": odd.typeUrl, value: "AQI=" }]);
  assert.deepEqual(
    JSON.parse(rawJson(AnySchema, create(OperationSchema, { metadata: odd }).metadata ?? assert.fail())),
    {
      "@type": odd.typeUrl,
      value: "AQI=",
    },
  );
});

test("events are told in words, and unknown ones with all they have", () => {
  const event = (type: JobEventType, payload: Record<string, string | number | null>) =>
    eventText(create(JobEventSchema, { type, payload }));
  assert.deepEqual(
    event(JobEventType.ASSIGNMENT, {
      worker_name: "w",
      attempt: 2,
      time_in_queue: 1.5,
      assignment_strategy: "capacity",
    }),
    {
      title: "Given to a worker",
      particulars: "worker w · attempt 2 · after 1.5 s",
    },
  );
  assert.equal(
    event(JobEventType.PROGRESS_UPDATE, { constructor: "x", toString: 1 }).particulars,
    "constructor x · toString 1",
  );
  assert.deepEqual(event(JobEventType.CANCELLATION, { worker_name: null, actor: "alice", reason: "too slow" }), {
    title: "Job cancelled",
    particulars: "by alice · “too slow”",
  });
  assert.deepEqual(event(99 as JobEventType, { colour: "red" }), { title: "Event 99", particulars: "colour red" });
});
