import { clone, create } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type ExecutedActionMetadata,
  ExecutedActionMetadataSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import type { Clock } from "../base/clock.ts";

/** The moments that a worker records. */
export type Moment =
  | "workerStartTimestamp"
  | "inputFetchStartTimestamp"
  | "inputFetchCompletedTimestamp"
  | "executionStartTimestamp"
  | "executionCompletedTimestamp"
  | "outputUploadStartTimestamp"
  | "outputUploadCompletedTimestamp"
  | "workerCompletedTimestamp";

/** The times of one attempt. */
export interface Timeline {
  /** Records that a moment is now. */
  mark(moment: Moment): void;
  /** What is known so far, as a copy. */
  metadata(): ExecutedActionMetadata;
}

/** Makes an empty timeline; `changed` is called with each new state. */
export function createTimeline(
  clock: Clock,
  worker: string,
  changed: (metadata: ExecutedActionMetadata) => void,
): Timeline {
  const times = create(ExecutedActionMetadataSchema, { worker });
  const metadata = () => clone(ExecutedActionMetadataSchema, times);
  return {
    metadata,
    mark: (moment) => {
      times[moment] = timestampFromMs(clock.now());
      const { executionStartTimestamp: start, executionCompletedTimestamp: end } = times;
      if (start && end) times.virtualExecutionDuration = durationFromMs(timestampMs(end) - timestampMs(start));
      changed(metadata());
    },
  };
}
