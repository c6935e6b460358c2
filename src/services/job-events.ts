import type { JsonObject } from "@bufbuild/protobuf";
import type { Cause, JobEvent } from "../instances/instances.ts";
import { JobEventKind } from "../instances/instances.ts";
import { formatOperationName } from "../operations/operations.ts";

/**
 * The particulars of an event as JSON, under BuildGrid's keys where it has them; durations are seconds. Undefined for an
 * event without any.
 */
export function eventPayload(instance: string, { kind, facts }: JobEvent): JsonObject | undefined {
  const worker = { worker_name: facts.worker ?? null };
  const operation = {
    operation_name: facts.operation === undefined ? null : formatOperationName(instance, facts.operation),
    total_operation_count: facts.operations ?? null,
  };
  const decision = facts.cause ? decided(facts.cause) : {};
  switch (kind) {
    case JobEventKind.CREATION:
      return undefined;
    case JobEventKind.NEW_OPERATION:
      return operation;
    case JobEventKind.ASSIGNMENT:
      // BuildGrid's word for "to any bot that fits and has room", which is all that is done here.
      return {
        ...worker,
        assignment_strategy: "capacity",
        time_in_queue: seconds(facts.queueMs),
        attempt: facts.attempt ?? null,
      };
    case JobEventKind.PROGRESS_UPDATE:
      return { timestamp_name: facts.timestampName ?? null, ...worker };
    case JobEventKind.OPERATION_CANCELLATION:
      return { ...worker, ...operation, cancelled_operation_count: facts.cancelledOperations ?? null, ...decision };
    case JobEventKind.CANCELLATION:
      return { ...worker, ...decision };
    case JobEventKind.COMPLETION:
      return { ...worker, status: facts.statusCode ?? null, duration: seconds(facts.durationMs), ...decision };
    case JobEventKind.RETRY:
      return { ...worker, attempt: facts.attempt ?? null, ...decision };
  }
}

function decided({ by, identity, reason }: Cause): JsonObject {
  if (by === "server" || !identity) return { actor: by, reason };
  const { actor, subject, workflow } = identity;
  return { actor, subject, workflow, reason };
}

function seconds(ms: number | undefined): number | null {
  return ms === undefined ? null : ms / 1000;
}
