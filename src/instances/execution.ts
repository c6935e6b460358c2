import { create } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import {
  type Action,
  type Command,
  ExecuteResponseSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { type Digest, digestKey } from "../base/digests.ts";
import { failedPrecondition, invalidField } from "../base/errors.ts";
import { toDigest } from "../base/wire-digests.ts";
import { loadAction, missingInputs } from "../cas/cas.ts";
import {
  type ClientIdentity,
  type JobOutcome,
  type OperationRecord,
  outcomeOf,
  type PlatformProperty,
  type RequestMetadata,
} from "../operations/operations.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import type { InstanceSettings, InstanceStorage } from "./instance.ts";
import { missingOperation } from "./operations.ts";

/** What a client asks to be executed. */
export interface ExecuteRequest {
  readonly action: Digest;
  readonly skipCacheLookup: boolean;
  readonly priority: number;
  readonly requestMetadata: RequestMetadata | undefined;
  readonly identity: ClientIdentity | undefined;
}

/** Execution for one instance: from an action in the CAS to an operation that can be watched. */
export interface Execution {
  /**
   * Answers from the action cache or queues the action. FAILED_PRECONDITION with a MISSING violation for each blob that is
   * not in the CAS, INVALID_ARGUMENT for an action that is malformed or breaks a limit.
   */
  execute(request: ExecuteRequest): Promise<OperationRecord>;
  /** The states of an operation, by id or just submitted, until its end; NOT_FOUND when there is none. */
  watch(operation: string | OperationRecord, signal: AbortSignal): AsyncIterable<OperationRecord>;
}

/** The longest command text that is kept for people and filters, in characters. */
const COMMAND_TEXT_LIMIT = 4096;

/** More violations than this would not fit into the trailers that common clients accept. */
const VIOLATIONS_LIMIT = 32;

/** Makes the execution of one instance. */
export function createExecution(
  instance: string,
  deps: InstanceStorage & { scheduler: Scheduler; settings: InstanceSettings },
): Execution {
  const { cas, actionCache, submitting, scheduler, settings } = deps;

  async function execute(request: ExecuteRequest): Promise<OperationRecord> {
    submitting.add(request.action);
    try {
      return await submit(request);
    } finally {
      submitting.delete(request.action);
    }
  }

  async function submit(request: ExecuteRequest): Promise<OperationRecord> {
    checkPriority(request.priority, settings);
    const loaded = await loadAction(cas, request.action);
    if ("missing" in loaded) throw missingBlobs(loaded.missing, request.action);
    const { action, command } = loaded;
    const timeoutMs = timeoutOf(action, settings);
    const outcome = request.skipCacheLookup || action.doNotCache ? undefined : await cachedOutcome(request.action);
    if (!outcome) await checkInputs(action, request.action);
    return scheduler.submit(instance, {
      action: request.action,
      command: command.arguments.join(" ").slice(0, COMMAND_TEXT_LIMIT),
      platform: platformOf(action, command),
      priority: request.priority,
      cacheable: !action.doNotCache,
      timeoutMs,
      outcome,
      requestMetadata: request.requestMetadata,
      identity: request.identity,
    });
  }

  async function cachedOutcome(action: Digest): Promise<JobOutcome | undefined> {
    const result = await actionCache.get(action);
    return result && outcomeOf(create(ExecuteResponseSchema, { result, cachedResult: true }), { cached: true });
  }

  async function checkInputs(action: Action, actionDigest: Digest): Promise<void> {
    const root = toDigest(action.inputRootDigest, actionDigest.fn.wireValue, "action.input_root_digest");
    const missing = await missingInputs(cas, root);
    if (missing.length > 0) throw missingBlobs(missing, actionDigest);
  }

  async function* watch(operation: string | OperationRecord, signal: AbortSignal) {
    const key = typeof operation === "string" ? { instance, id: operation } : operation;
    let known = false;
    for await (const state of scheduler.watch(key, { signal, keepAliveMs: settings.keepAliveMs })) {
      known = true;
      yield state;
    }
    if (!known && !signal.aborted) throw missingOperation(instance, key.id);
  }

  return { execute, watch };
}

function checkPriority(priority: number, { minPriority, maxPriority }: InstanceSettings): void {
  if (priority >= minPriority && priority <= maxPriority) return;
  throw invalidField("execution_policy.priority", `must be between ${minPriority} and ${maxPriority}, is ${priority}`);
}

function timeoutOf(action: Action, settings: InstanceSettings): number {
  if (!action.timeout) return Math.min(settings.defaultTimeoutMs, settings.maxTimeoutMs);
  const timeoutMs = durationMs(action.timeout);
  if (timeoutMs < 0) throw invalidField("action.timeout", "must not be negative");
  if (timeoutMs > settings.maxTimeoutMs) {
    throw invalidField(
      "action.timeout",
      `must be at most ${settings.maxTimeoutMs / 1000} s here, is ${timeoutMs / 1000} s`,
    );
  }
  return timeoutMs || Math.min(settings.defaultTimeoutMs, settings.maxTimeoutMs);
}

/** The action's own platform wins; the command's is what older clients send. */
function platformOf(action: Action, command: Command): PlatformProperty[] {
  const properties = (action.platform ?? command.platform)?.properties ?? [];
  return properties.map(({ name, value }) => ({ name, value }));
}

function missingBlobs(missing: readonly Digest[], action: Digest) {
  const violations = missing.slice(0, VIOLATIONS_LIMIT).map((digest) => ({
    type: "MISSING",
    subject: `blobs/${digestKey(digest)}`,
    description: "needed by the action",
  }));
  const more = missing.length - violations.length;
  const list = violations.map((violation) => violation.subject).slice(0, 3);
  const rest = missing.length > list.length ? `, and ${missing.length - list.length} more` : "";
  const note = more > 0 ? ` (${more} of them not listed in the details)` : "";
  return failedPrecondition(
    `blobs of action ${digestKey(action)} missing from the CAS: ${list.join(", ")}${rest}${note}`,
    violations,
  );
}
