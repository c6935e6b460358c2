import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmod, mkdir, readdir, realpath, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { lockDirectory } from "./lock.ts";
import { endStragglers } from "./processes.ts";
import { errorText, systemErrorCode } from "./status.ts";

const MOST_NUMBERS = 1_000;
const MOST_DELETIONS = 8;

const run = promisify(execFile);

/** What one action has on disk. Disposing takes it away; the deletion goes on in the background. */
export interface ActionDirectory extends AsyncDisposable {
  /** Holds the others. */
  readonly base: string;
  /** The input root, empty at first. */
  readonly root: string;
  /** For the sandbox's /tmp, empty at first. */
  readonly tmp: string;
  readonly stdout: string;
  readonly stderr: string;
}

/** The directory of one live bot: its cache, and its actions. Disposing waits for deletions and lets go of it. */
export interface WorkDirectory extends AsyncDisposable {
  readonly path: string;
  readonly cache: string;
  /** Which of the numbered directories it is; undefined for a directory that was asked for as such. */
  readonly number: number | undefined;
  openAction(): Promise<ActionDirectory>;
}

interface Deps {
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Takes a directory for this bot, or with `numbered` the first of `<directory>/0`, `/1` ... that no live bot has, and
 * removes what a crashed bot left in it, processes included. Throws when another bot has it.
 */
export async function openWorkDirectory(directory: string, numbered: boolean, deps: Deps): Promise<WorkDirectory> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const base = await realpath(directory);
  if (!numbered) return take(base, undefined, deps);
  for (let number = 0; number < MOST_NUMBERS; number++) {
    const path = join(base, String(number));
    await mkdir(path, { recursive: true });
    const lock = await lockDirectory(path);
    if (!lock) continue;
    await tidyOthers(base, number, deps);
    return prepare(path, number, lock, deps);
  }
  throw new Error(`all ${MOST_NUMBERS} directories in ${base} are in use`);
}

async function take(path: string, number: number | undefined, deps: Deps): Promise<WorkDirectory> {
  const lock = await lockDirectory(path);
  if (!lock) throw new Error(`another bot is working in ${path}; give this one a directory of its own`);
  return prepare(path, number, lock, deps);
}

/** Cleans up behind crashed bots whose number nobody took again. */
async function tidyOthers(base: string, own: number, deps: Deps): Promise<void> {
  for (const name of await readdir(base)) {
    // Taking the lock for a moment makes a bot that starts just now go on to the next number: only with good reason.
    if (!/^\d+$/.test(name) || Number(name) === own || !(await hasLeftovers(join(base, name)))) continue;
    using lock = await lockDirectory(join(base, name));
    if (lock) await removeLeftovers(join(base, name), deps);
  }
}

async function hasLeftovers(path: string): Promise<boolean> {
  const names = ["actions", "trash"].map((name) => readdir(join(path, name)).catch(() => []));
  return (await Promise.all(names)).flat().length > 0;
}

async function removeLeftovers(path: string, { clock, log }: Deps): Promise<void> {
  await endStragglers(join(path, "actions"), clock);
  for (const name of ["actions", "trash"]) {
    await removeTree(join(path, name)).catch((error) =>
      log.warn({ path, error: errorText(error) }, "leftovers remain"),
    );
  }
}

async function prepare(path: string, number: number | undefined, lock: Disposable, deps: Deps): Promise<WorkDirectory> {
  await removeLeftovers(path, deps);
  await mkdir(join(path, "actions"), { recursive: true });
  await mkdir(join(path, "trash"), { recursive: true });
  const taken = new Set<number>();
  const deletions = new Set<Promise<void>>();

  /** Slots are used again, so that an action run twice by an idle bot sees the same path. */
  async function openAction(): Promise<ActionDirectory> {
    if (deletions.size >= MOST_DELETIONS) await Promise.race(deletions);
    let slot = 0;
    while (taken.has(slot)) slot++;
    taken.add(slot);
    const base = join(path, "actions", String(slot));
    const at = (name: string) => join(base, name);
    const dispose = async () => {
      await discard(base);
      taken.delete(slot);
    };
    try {
      await mkdir(at("root"), { recursive: true });
      await mkdir(at("tmp"));
      await chmod(at("tmp"), 0o1777);
    } catch (error) {
      await dispose();
      throw error;
    }
    return {
      base,
      root: at("root"),
      tmp: at("tmp"),
      stdout: at("stdout"),
      stderr: at("stderr"),
      [Symbol.asyncDispose]: dispose,
    };
  }

  async function discard(base: string): Promise<void> {
    const trash = join(path, "trash", randomUUID());
    await rename(base, trash);
    const deletion = removeTree(trash).catch((error) =>
      deps.log.warn({ path: trash, error: errorText(error) }, "an action's directory could not be removed"),
    );
    deletions.add(deletion);
    void deletion.then(() => deletions.delete(deletion));
  }

  return {
    path,
    cache: join(path, "cache"),
    number,
    openAction,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(deletions);
      lock[Symbol.dispose]();
    },
  };
}

/**
 * Removes a tree, also one with directories that its owner may not write to, or so deep that its paths are too long for
 * the system. Never follows a symbolic link.
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    await run("chmod", ["-R", "u+rwX", "--", path]).catch(() => {});
    await run("rm", ["-rf", "--", path]);
  }
}
