import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  ActionSchema,
  CommandSchema,
  type Digest,
  DirectorySchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import type { Operation } from "../../gen/google/longrunning/operations_pb.ts";
import { digestOf } from "../../src/base/digests.ts";
import { Code, StatusError } from "../../src/base/errors.ts";
import { type Clients, connect } from "./e2e-actions.ts";
import { quickPlatform } from "./quick-bots.ts";

/** An end of an operation as one stream told it. */
export interface SeenEnd {
  readonly name: string;
  /** The encoded result. */
  readonly result: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** What clients went through. */
export interface LoadRecord {
  /** The operations whose names a client got. */
  readonly names: ReadonlySet<string>;
  readonly ends: readonly SeenEnd[];
  /** What no client should see, in words. */
  readonly surprises: readonly string[];
  /** How often a stream was taken up again. */
  readonly resumed: number;
  /** From the first failure of a call until the same client got an answer; times are milliseconds since the epoch. */
  readonly outages: readonly { readonly from: number; readonly ms: number }[];
}

/** Clients that submit and follow until they are told to stop. */
export interface Load extends Disposable {
  readonly record: LoadRecord;
  /** Submits nothing more; resolves when all that was submitted has ended. */
  finish(): Promise<void>;
}

const instanceName = "main";
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2000;

/**
 * Starts clients that each submit one action after the other and follow its operation by two streams at a time: that of
 * Execute and one of WaitExecution. Two clients at a time want the same action. What is UNAVAILABLE, or cut, is tried again
 * and taken up again by WaitExecution, on any of the connections, as clients of the Remote Execution API do.
 */
export function startLoad(url: string, { clients, connections }: { clients: number; connections: number }): Load {
  const pool = Array.from({ length: connections }, () => connect(url));
  const names = new Set<string>();
  const [ends, surprises, outages]: [SeenEnd[], string[], { from: number; ms: number }[]] = [[], [], []];
  const record = { names, ends, surprises, outages, resumed: 0 };
  let [submitted, turn, finishing, aborted] = [0, 0, false, false];
  const next = () => pool[turn++ % pool.length] as Clients;

  /** Repeats an attempt until it succeeds; it says itself when it hears from a server. */
  async function persist<T>(attempt: (heard: () => void) => Promise<T>): Promise<T> {
    let from: number | undefined;
    let failures = 0;
    const heard = () => {
      if (from !== undefined) outages.push({ from, ms: Date.now() - from });
      from = undefined;
      failures = 0;
    };
    for (;;) {
      try {
        const value = await attempt(heard);
        heard();
        return value;
      } catch (error) {
        if (!mayPass(error) || aborted) throw error;
        from ??= Date.now();
        await sleep(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures++) * (0.5 + Math.random() / 2));
      }
    }
  }

  async function take(stream: AsyncIterable<Operation>, heard: (state: Operation) => void): Promise<void> {
    let done: Operation | undefined;
    for await (const state of stream) {
      heard(state);
      if (done) surprises.push(`${state.name} went on after its end`);
      if (state.done) done = state;
    }
    if (!done) throw new Error("the stream ended before the operation");
    const result = done.result.case === "response" ? Buffer.from(done.result.value.value).toString("base64") : "none";
    ends.push({ name: done.name, result, at: Date.now() });
  }

  const wait = (name: string) =>
    persist((heard) => take(next().execution.waitExecution({ name }), heard)).catch((error) => {
      throw new Error(`WaitExecution of ${name}`, { cause: error });
    });

  /** Executes until the operation has a name, and follows it from there on. */
  async function execute(actionDigest: Pick<Digest, "hash" | "sizeBytes">): Promise<void> {
    let name: string | undefined;
    let other: Promise<void> | undefined;
    await persist(async (heard) => {
      if (name !== undefined) record.resumed++;
      const { execution } = next();
      const stream =
        name === undefined ? execution.execute({ instanceName, actionDigest }) : execution.waitExecution({ name });
      await take(stream, (state) => {
        heard();
        name ??= state.name;
        if (name !== state.name) surprises.push(`${name} became ${state.name}`);
        names.add(name);
        other ??= wait(name);
        other.catch(() => {});
      });
    });
    await other;
  }

  async function run(): Promise<void> {
    while (!finishing) {
      const action = actionOf(Math.floor(submitted++ / 2));
      try {
        await persist(() => put(next(), action.blobs));
        await execute(action.digest);
      } catch (error) {
        if (!aborted) surprises.push(inWords(error));
        await sleep(FIRST_PAUSE_MS);
      }
    }
  }

  const running = Array.from({ length: clients }, run);
  return {
    record,
    finish: async () => {
      finishing = true;
      await Promise.all(running);
    },
    [Symbol.dispose]: () => {
      [finishing, aborted] = [true, true];
      for (const client of pool) client[Symbol.dispose]();
    },
  };
}

/** What a server cannot do now, and a connection that was lost: the streams on it are closed as if they were cancelled. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof StatusError)) return false;
  return error.code === Code.Unavailable || error.code === Code.Canceled || error.cause !== undefined;
}

function inWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = error instanceof StatusError ? ` (${Code[error.code]})` : "";
  return `${error.message}${code}${error.cause === undefined ? "" : ` < ${inWords(error.cause)}`}`;
}

interface Blob {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly digest: { readonly hash: string; readonly sizeBytes: bigint };
}

function blob(bytes: Uint8Array): Blob {
  const { hash, sizeBytes } = digestOf(bytes);
  return { data: new Uint8Array(bytes), digest: { hash, sizeBytes: BigInt(sizeBytes) } };
}

const command = blob(toBinary(CommandSchema, create(CommandSchema, { arguments: ["/bin/true"] })));
// The empty blob, which is always there.
const root = blob(toBinary(DirectorySchema, create(DirectorySchema, {})));

function actionOf(number: number) {
  const fields = { commandDigest: command.digest, inputRootDigest: root.digest, salt: Buffer.from(`${number}`) };
  const action = blob(
    toBinary(ActionSchema, create(ActionSchema, { ...fields, platform: { properties: [quickPlatform] } })),
  );
  return { digest: action.digest, blobs: [command, action] };
}

async function put({ cas }: Clients, blobs: readonly Blob[]): Promise<void> {
  const { responses } = await cas.batchUpdateBlobs({ instanceName, requests: [...blobs] });
  for (const { status } of responses) {
    if (status && status.code !== 0) throw new StatusError(status.message, status.code);
  }
}
