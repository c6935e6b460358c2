import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  ActionSchema,
  CommandSchema,
  DirectorySchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { systemClock } from "../../src/base/clock.ts";
import { type Digest, digestOf } from "../../src/base/digests.ts";
import { type Code, StatusError } from "../../src/base/errors.ts";
import { silentLog } from "../../src/base/log.ts";
import { fromDigest } from "../../src/base/wire-digests.ts";
import { type Cas, createFileCas, type FileCasOptions } from "../../src/cas/cas.ts";

/** Content and its name. */
export interface Blob {
  readonly data: Uint8Array;
  readonly digest: Digest;
}

/** A CAS of its own directory. */
export interface OpenCas {
  readonly cas: Cas;
  readonly directory: string;
  /** Closes the CAS and opens it again on the same directory. */
  reopen(overrides?: Partial<FileCasOptions>): Promise<Cas>;
}

/** A temporary directory that is removed at the end; a file in it that is still open then fails the test. */
export async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "opgrid-cas-"));
  t.after(async () => {
    const left = openFiles(directory);
    await rm(directory, { recursive: true, force: true });
    assert.deepEqual(left, [], "files were left open");
  });
  return directory;
}

/** Opens a CAS; what it opens again on the same directory finds what it stored before. */
export type CasOpener = (options: FileCasOptions) => Promise<Cas>;

let newBackend: (() => CasOpener) | undefined;

/** Runs the suites that are imported from now on against another kind of CAS, whose cache is in the directory. */
export function useBackend(makeOpener: () => CasOpener): void {
  newBackend = makeOpener;
}

/** A test of what holds only for a CAS in files. */
export function testOfFiles(title: string, run: (t: TestContext) => Promise<void>): void {
  if (!newBackend) test(title, run);
}

/** Opens a CAS that is closed, checked for leaks and removed at the end of the test. */
export async function openCas(t: TestContext, overrides: Partial<FileCasOptions> = {}): Promise<OpenCas> {
  let cas: Cas | undefined;
  t.after(() => cas?.[Symbol.asyncDispose]());
  const directory = await temporaryDirectory(t);
  const options: FileCasOptions = {
    directory,
    maxBytes: 64 * 1024 * 1024,
    maxBlobBytes: 32 * 1024 * 1024,
    clock: systemClock,
    log: silentLog,
    liveActions: async () => [],
    ...overrides,
  };
  const open = newBackend?.() ?? createFileCas;
  cas = await open(options);
  const reopen = async (more: Partial<FileCasOptions> = {}) => {
    await cas?.[Symbol.asyncDispose]();
    cas = await open({ ...options, ...more });
    return cas;
  };
  return { cas, directory, reopen };
}

/** Files below a directory that this process has open; none where there is no /proc. */
export function openFiles(directory: string): string[] {
  if (!existsSync("/proc/self/fd")) return [];
  const targets = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return "";
    }
  });
  return targets.filter((target) => target.startsWith(directory));
}

/** Names of the files under uploads/. */
export async function uploadFiles(directory: string): Promise<string[]> {
  return await readdir(join(directory, "uploads"));
}

/** Names of the files under blobs/. */
export async function blobFiles(directory: string): Promise<string[]> {
  const entries = await readdir(join(directory, "blobs"), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

/** Where a blob's file is. */
export function blobPath(directory: string, { fn, hash, sizeBytes }: Digest): string {
  return join(directory, "blobs", fn.name, hash.slice(0, 2), `${hash}-${sizeBytes}`);
}

export function blobOf(data: Uint8Array | string): Blob {
  const bytes = typeof data === "string" ? Buffer.from(data) : data;
  return { data: bytes, digest: digestOf(bytes) };
}

export function randomBlob(sizeBytes: number): Blob {
  return blobOf(randomBytes(sizeBytes));
}

/** Stores a blob and answers its digest. */
export async function put(cas: Cas, data: Uint8Array | string): Promise<Digest> {
  const blob = blobOf(data);
  await cas.write(blob.digest, blob.data);
  return blob.digest;
}

/** What a directory has in it, by name. */
export interface Nodes {
  readonly files?: Record<string, Digest>;
  readonly directories?: Record<string, Digest>;
}

function nodes(digests: Record<string, Digest> = {}) {
  return Object.entries(digests).map(([name, digest]) => ({ name, digest: fromDigest(digest) }));
}

/** An encoded Directory. */
export function directoryBlob({ files, directories }: Nodes): Blob {
  const message = create(DirectorySchema, { files: nodes(files), directories: nodes(directories) });
  return blobOf(toBinary(DirectorySchema, message));
}

/** Stores a Directory. */
export async function putDirectory(cas: Cas, content: Nodes): Promise<Digest> {
  return await put(cas, directoryBlob(content).data);
}

/** Stores an Action with a Command of its own. */
export async function putAction(
  cas: Cas,
  inputRoot: Digest,
  name: string,
): Promise<{ action: Digest; command: Digest }> {
  const command = await put(cas, toBinary(CommandSchema, create(CommandSchema, { arguments: ["run", name] })));
  const message = create(ActionSchema, { commandDigest: fromDigest(command), inputRootDigest: fromDigest(inputRoot) });
  return { action: await put(cas, toBinary(ActionSchema, message)), command };
}

/** All of a stream in one piece. */
export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(chunks));
}

/** Asserts a canonical code, and a reason if the error has one to tell. */
export async function assertStatus(work: Promise<unknown>, code: Code, reason?: string): Promise<StatusError> {
  const error = await work.then(
    () => assert.fail("no error"),
    (caught: unknown) => caught,
  );
  assert.ok(error instanceof StatusError, `${error}`);
  assert.equal(error.code, code, error.message);
  if (reason !== undefined) assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, reason);
  return error;
}
