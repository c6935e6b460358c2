import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { type JobEvent, JobEventType } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import { codeName } from "../api/failure.ts";
import { durationText } from "../format/time.ts";
import { idOf } from "../operations/row.ts";

/** An event for people. */
export interface EventText {
  readonly title: string;
  readonly particulars: string;
}

const TITLES: Readonly<Record<number, string>> = {
  [JobEventType.CREATION]: "Job created",
  [JobEventType.NEW_OPERATION]: "Wanted by an operation",
  [JobEventType.ASSIGNMENT]: "Given to a worker",
  [JobEventType.COMPLETION]: "Completed",
  [JobEventType.OPERATION_CANCELLATION]: "Operation cancelled",
  [JobEventType.CANCELLATION]: "Job cancelled",
  [JobEventType.RETRY]: "Queued again",
  [JobEventType.PROGRESS_UPDATE]: "Progress",
};

type Part = (value: JsonValue) => string;
const plain: Part = (value) => (typeof value === "string" ? value : JSON.stringify(value));
const labelled =
  (label: string, text: Part = plain): Part =>
  (value) =>
    `${label} ${text(value)}`;
const seconds: Part = (value) => (typeof value === "number" ? durationText(value * 1000) : plain(value));

/** How each key is said; other keys are said as they are. */
const PARTS: Readonly<Record<string, Part>> = {
  timestamp_name: (value) =>
    plain(value)
      .replace(/_timestamp$/, "")
      .replaceAll("_", " "),
  operation_name: (value) => idOf(plain(value)),
  worker_name: labelled("worker"),
  attempt: labelled("attempt"),
  assignment_strategy: () => "",
  time_in_queue: labelled("after", seconds),
  status: (value) => (typeof value === "number" ? codeName(value) : plain(value)),
  duration: labelled("after", seconds),
  total_operation_count: (value) => `${plain(value)} in all`,
  cancelled_operation_count: (value) => `${plain(value)} cancelled`,
  actor: labelled("by"),
  reason: (value) => (value === "" ? "" : `“${plain(value)}”`),
};

function partOf(key: string): Part {
  return (Object.hasOwn(PARTS, key) ? PARTS[key] : undefined) ?? labelled(key);
}

function particulars(payload: JsonObject): string {
  const known = Object.keys(PARTS).filter((key) => Object.hasOwn(payload, key));
  const others = Object.keys(payload).filter((key) => !Object.hasOwn(PARTS, key));
  return [...known, ...others]
    .filter((key) => payload[key] !== null)
    .map((key) => partOf(key)(payload[key] as JsonValue))
    .filter((part) => part !== "")
    .join(" · ");
}

/** What happened, in words. */
export function eventText({ type, payload }: JobEvent): EventText {
  return { title: TITLES[type] ?? `Event ${type}`, particulars: particulars(payload ?? {}) };
}
