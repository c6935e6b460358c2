import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type ExecuteResponse,
  ExecuteResponseSchema,
} from "../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { digestOf } from "../src/base/digests.ts";
import { fromDigest } from "../src/base/wire-digests.ts";

/** What the job of a number runs. */
export function commandOf(number: number): string {
  return `/usr/bin/gcc -O2 -Iinclude -c src/part-${number}.c -o ${outputOf(number)}`;
}

/** How it ended, with everything that a worker tells of it. */
export function responseOf(number: number, end: { worker: string; exitCode: number; at: number }): ExecuteResponse {
  const { worker, exitCode } = end;
  const at = timestampFromMs(end.at);
  return create(ExecuteResponseSchema, {
    result: {
      outputFiles: [{ path: outputOf(number), digest: fromDigest(digestOf(Buffer.from(`output ${number}`))) }],
      exitCode,
      executionMetadata: {
        worker,
        ...{ queuedTimestamp: at, workerStartTimestamp: at, workerCompletedTimestamp: at },
        ...{ inputFetchStartTimestamp: at, inputFetchCompletedTimestamp: at },
        ...{ executionStartTimestamp: at, executionCompletedTimestamp: at },
        ...{ outputUploadStartTimestamp: at, outputUploadCompletedTimestamp: at },
      },
    },
  });
}

function outputOf(number: number): string {
  return `bazel-out/k8-fastbuild/bin/src/part-${number}.o`;
}
