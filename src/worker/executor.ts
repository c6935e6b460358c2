import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import {
  type ActionResult,
  ActionResultSchema,
  type Command,
  DigestSchema,
  type ExecutedActionMetadata,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import type { Lease } from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import type { Status } from "../../gen/google/rpc/status_pb.ts";
import type { Clock } from "../base/clock.ts";
import type { DigestFunction } from "../base/digests.ts";
import { Code, StatusError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { fromDigest } from "../base/wire-digests.ts";
import type { BlobCache } from "./blob-cache.ts";
import type { BlobSource } from "./blob-stream.ts";
import { type CasClient, createCasClient } from "./cas-client.ts";
import { commandLineOf, findProgram, startFailure } from "./command-line.ts";
import { createInputTrees, type InputTrees } from "./input-tree.ts";
import { createInputs, type Inputs } from "./inputs.ts";
import { fileSource, readOutput } from "./output-node.ts";
import { collectOutputs, outputParents, type WantedOutput, wantedOutputs } from "./outputs.ts";
import { joinInside } from "./paths.ts";
import type { RetryPolicy } from "./retry.ts";
import { type ProcessEnd, runProcess } from "./run-process.ts";
import type { Sandbox } from "./sandbox.ts";
import { stageInputs } from "./staging.ts";
import { errorText, okStatus, statusOf, statusWith, systemErrorCode } from "./status.ts";
import { createTimeline, type Timeline } from "./timeline.ts";
import { uploadBlobs } from "./uploads.ts";
import { instanceOf, readWork, type Work } from "./work.ts";
import type { ActionDirectory, WorkDirectory } from "./work-directory.ts";

/** Output of a command up to this size also travels inside the result. */
const INLINE_BYTES = 64 * 1024;
/** What the system says when it is the action's fault that an output cannot be read. */
const OUTPUT_ERRORS = new Set(["EACCES", "EPERM", "ELOOP", "ENAMETOOLONG"]);

/** How an attempt at a lease ended, as the server is told. */
export interface Attempt {
  readonly status: Status;
  readonly result?: ActionResult;
}

/** Executes leases. */
export interface Executor {
  /**
   * Does the work of a lease; `progress` receives its times as they come. A command that runs gives OK, whatever its
   * exit code; one that takes too long DEADLINE_EXCEEDED with what it printed. Rejects only when the signal aborts; by
   * then nothing of the action is running any more.
   */
  execute(lease: Lease, progress: (metadata: ExecutedActionMetadata) => void, signal: AbortSignal): Promise<Attempt>;
}

interface Deps {
  readonly transport: Transport;
  readonly retry: RetryPolicy;
  readonly cache: BlobCache;
  readonly directory: WorkDirectory;
  readonly sandbox: Sandbox;
  readonly clock: Clock;
  readonly log: Logger;
  readonly botId: string;
  readonly instance: string;
}

/** What serves the leases of one instance. */
interface Access {
  readonly cas: CasClient;
  readonly inputs: Inputs;
  readonly trees: InputTrees;
}

/** Makes the executor of one bot. */
export function createExecutor(deps: Deps): Executor {
  const accesses = new Map<string, Access>();

  function accessTo(instance: string): Access {
    const known = accesses.get(instance);
    if (known) return known;
    const cas = createCasClient(deps.transport, instance, deps.retry);
    const inputs = createInputs(cas, deps.cache);
    const access = { cas, inputs, trees: createInputTrees(inputs) };
    accesses.set(instance, access);
    return access;
  }

  return {
    execute: async (lease, progress, signal) => {
      const timeline = createTimeline(deps.clock, deps.botId, progress);
      timeline.mark("workerStartTimestamp");
      try {
        return await attempt(deps, accessTo(instanceOf(lease, deps.instance)), lease, timeline, signal);
      } catch (error) {
        signal.throwIfAborted();
        const status = statusOf(error);
        if (status.code === Code.Internal) deps.log.error({ lease: lease.id, err: error }, "lease failed");
        return { status };
      }
    },
  };
}

async function attempt(
  deps: Deps,
  access: Access,
  lease: Lease,
  timeline: Timeline,
  signal: AbortSignal,
): Promise<Attempt> {
  await using place = await deps.directory.openAction();
  timeline.mark("inputFetchStartTimestamp");
  const work = await readWork(lease, access.inputs, access.trees, signal);
  const workingDirectory = joinInside("", work.command.workingDirectory, "working_directory");
  const outputs = wantedOutputs(work.command, workingDirectory);
  const stage = { tree: work.tree, workingDirectory, outputParents: outputParents(outputs) };
  await stageInputs({ inputs: access.inputs, cache: deps.cache }, place.root, stage, signal);
  timeline.mark("inputFetchCompletedTimestamp");
  timeline.mark("executionStartTimestamp");
  const end = await runCommand(deps, work, join(place.root, workingDirectory), place, signal);
  timeline.mark("executionCompletedTimestamp");
  timeline.mark("outputUploadStartTimestamp");
  return await finish(access.cas, work, outputs, place, end, timeline, signal);
}

/** Runs the command; what a shell would say of one that cannot be started goes to its stderr. */
async function runCommand(
  deps: Deps,
  { command, timeoutMs }: Work,
  cwd: string,
  { base: directory, root, tmp, stdout, stderr }: ActionDirectory,
  signal: AbortSignal,
): Promise<ProcessEnd> {
  const line = commandLineOf(command);
  const program = await findProgram(line, cwd);
  if (program.path === undefined) return refuse(program, stdout, stderr);
  const wrapped = deps.sandbox.wrap(program.path, line, { root, tmp, cwd });
  try {
    return await runProcess({ ...wrapped, cwd, stdout, stderr, directory, timeoutMs }, deps.clock, signal);
  } catch (error) {
    signal.throwIfAborted();
    const failure = startFailure(line.argv[0], error);
    if (failure?.path !== undefined || !failure) throw error;
    return refuse(failure, stdout, stderr);
  }
}

async function refuse(
  { exitCode, message }: { readonly exitCode: number; readonly message: string },
  stdout: string,
  stderr: string,
): Promise<ProcessEnd> {
  await writeFile(stdout, "");
  await writeFile(stderr, `opgrid: ${message}\n`);
  return { exitCode, timedOut: false };
}

/** Collects and uploads what the command left. Whatever is wrong with its outputs, what it printed is kept. */
async function finish(
  cas: CasClient,
  work: Work,
  outputs: readonly WantedOutput[],
  place: ActionDirectory,
  { exitCode, timedOut }: ProcessEnd,
  timeline: Timeline,
  signal: AbortSignal,
): Promise<Attempt> {
  const { fn } = work;
  const { result, blobs, status } = timedOut
    ? nothing(statusWith(Code.DeadlineExceeded, `the command ran longer than its timeout of ${work.timeoutMs} ms`))
    : await collect(work.command, outputs, place.root, fn, signal);
  result.exitCode = exitCode;
  await attachLogs(result, place, fn, blobs);
  await uploadBlobs(cas, blobs, signal);
  timeline.mark("outputUploadCompletedTimestamp");
  timeline.mark("workerCompletedTimestamp");
  result.executionMetadata = timeline.metadata();
  return { status, result };
}

interface Collected {
  readonly result: ActionResult;
  readonly blobs: BlobSource[];
  readonly status: Status;
}

function nothing(status: Status): Collected {
  return { result: create(ActionResultSchema), blobs: [], status };
}

async function collect(
  command: Command,
  outputs: readonly WantedOutput[],
  root: string,
  fn: DigestFunction,
  signal: AbortSignal,
): Promise<Collected> {
  const collected = nothing(okStatus);
  const nodeProperties = new Set(command.outputNodeProperties);
  const upload = (source: BlobSource) => void collected.blobs.push(source);
  try {
    await collectOutputs(collected.result, root, command, outputs, { fn, nodeProperties, upload, signal });
    return collected;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof StatusError) return nothing(statusOf(error));
    if (OUTPUT_ERRORS.has(systemErrorCode(error) ?? "")) {
      return nothing(statusWith(Code.FailedPrecondition, `an output cannot be read: ${errorText(error)}`));
    }
    throw error;
  }
}

async function attachLogs(
  result: ActionResult,
  { stdout, stderr }: ActionDirectory,
  fn: DigestFunction,
  blobs: BlobSource[],
): Promise<void> {
  const printed = await readLog(stdout, fn, blobs);
  if (printed) {
    result.stdoutDigest = printed.digest;
    result.stdoutRaw = printed.raw;
  }
  const complained = await readLog(stderr, fn, blobs);
  if (complained) {
    result.stderrDigest = complained.digest;
    result.stderrRaw = complained.raw;
  }
}

async function readLog(path: string, fn: DigestFunction, blobs: BlobSource[]) {
  const { size } = await stat(path);
  if (size === 0) return undefined;
  const { digest } = await readOutput(path, path, fn);
  blobs.push(fileSource(path, digest));
  const raw = digest.sizeBytes <= INLINE_BYTES ? await readFile(path) : new Uint8Array();
  return { digest: create(DigestSchema, fromDigest(digest)), raw };
}
