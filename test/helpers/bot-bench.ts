import { readFileSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Digest,
  DirectorySchema,
  type NodePropertiesSchema,
  type OutputFile,
  type OutputSymlink,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { type BotOptions, runBot } from "../../src/worker/worker.ts";
import { defer } from "./defer.ts";
import { type FakeFarm, type JobEnd, type JobSpec, startFarm } from "./fake-farm.ts";

/** An entry of an input root: text is a file, an object without the keys below a directory. */
export type Entry =
  | string
  | { readonly file: string | Uint8Array; readonly executable?: boolean; readonly properties?: Properties }
  | { readonly symlink: string }
  | { readonly entries: Entries; readonly properties?: Properties };
export type Entries = Readonly<Record<string, Entry>>;
type Properties = MessageInitShape<typeof NodePropertiesSchema>;

/** Stores an input root. */
export function inputRoot(farm: FakeFarm, entries: Entries, properties?: Properties): Digest {
  const directory = create(DirectorySchema, { ...(properties && { nodeProperties: properties }) });
  for (const [name, entry] of Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const more = typeof entry === "object" && "properties" in entry ? { nodeProperties: entry.properties } : {};
    const init = create(DirectorySchema, {
      ...(typeof entry === "string" && { files: [{ name, digest: farm.put(entry) }] }),
      ...(typeof entry === "object" &&
        "file" in entry && {
          files: [{ name, digest: farm.put(entry.file), isExecutable: entry.executable ?? false, ...more }],
        }),
      ...(typeof entry === "object" && "symlink" in entry && { symlinks: [{ name, target: entry.symlink }] }),
      ...(typeof entry === "object" &&
        "entries" in entry && { directories: [{ name, digest: inputRoot(farm, entry.entries, entry.properties) }] }),
    } as MessageInitShape<typeof DirectorySchema>);
    directory.files.push(...init.files);
    directory.symlinks.push(...init.symlinks);
    directory.directories.push(...init.directories);
  }
  return farm.putMessage(DirectorySchema, directory);
}

/** A directory that is gone after the test; its real path. */
export async function scratch(t: TestContext): Promise<string> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), "opgrid-worker-")));
  defer(t, () => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A bot of this process. */
export interface RunningBot {
  readonly directory: string;
  readonly messages: { readonly level: string; readonly message: string; readonly fields: object }[];
  /** Settles when the bot has left. */
  readonly done: Promise<void>;
  /** Stops it and waits. */
  stop(): Promise<void>;
  /** Lets it believe that its parent died. */
  orphan(): void;
}

/** Starts a bot, and stops it with the test. */
export async function startBot(t: TestContext, farm: FakeFarm, options: Partial<BotOptions> = {}): Promise<RunningBot> {
  const directory = options.directory ?? (await scratch(t));
  const stop = new AbortController();
  const orphaned = new AbortController();
  const messages: RunningBot["messages"] = [];
  const say = (level: string) => (fields: object, message: string) => void messages.push({ level, message, fields });
  const log = { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };
  const done = runBot(
    {
      remote: farm.url,
      instance: "main",
      botId: "bot",
      directory,
      pollMs: 50,
      idleMs: 5_000,
      graceMs: 2_000,
      retryMs: 3_000,
      log,
      orphaned: orphaned.signal,
      ...options,
    },
    stop.signal,
  );
  done.catch(() => {});
  const end = async () => {
    stop.abort();
    await done;
  };
  defer(t, () => end().catch(() => {}));
  return { directory, messages, done, stop: end, orphan: () => orphaned.abort() };
}

/** A farm, a bot, and a way to have shell scripts run. */
export interface Bench {
  readonly farm: FakeFarm;
  readonly bot: RunningBot;
  run(spec: JobSpec): Promise<JobEnd>;
  /** Runs `sh -c script` with a PATH. */
  shell(script: string, spec?: Partial<JobSpec>): Promise<JobEnd>;
}

/** Sets up a farm with one bot. */
export async function startBench(t: TestContext, options: Partial<BotOptions> = {}): Promise<Bench> {
  const farm = await startFarm(t);
  const bot = await startBot(t, farm, options);
  const run = (spec: JobSpec) => farm.submit(spec).ended;
  return { farm, bot, run, shell: (script, spec) => run(shellJob(script, spec)) };
}

/** The job of a shell script. */
export function shellJob(script: string, spec: Partial<JobSpec> = {}): JobSpec {
  return { ...spec, command: shellCommand(script, spec.command) };
}

function shellCommand(script: string, command: JobSpec["command"] = {}): JobSpec["command"] {
  const environmentVariables = [{ name: "PATH", value: "/usr/bin:/bin" }];
  return { arguments: ["/bin/sh", "-c", script], environmentVariables, ...command };
}

/** What a job printed. */
export function printed(end: JobEnd): string {
  return Buffer.from(end.result?.stdoutRaw ?? []).toString();
}

/** What a job complained. */
export function complained(end: JobEnd): string {
  return Buffer.from(end.result?.stderrRaw ?? []).toString();
}

/** Output files and links of a result by path, as text. */
export function outputsOf(farm: FakeFarm, end: JobEnd): Record<string, string> {
  const files = (end.result?.outputFiles ?? []).map((file: OutputFile) => [
    file.path,
    farm.read(file.digest).toString(),
  ]);
  const links = (end.result?.outputSymlinks ?? []).map((link: OutputSymlink) => [link.path, `-> ${link.target}`]);
  return Object.fromEntries([...files, ...links]);
}

/** Whether a process runs; a zombie does not. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}
