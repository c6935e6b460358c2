import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { sep } from "node:path";
import type { Clock } from "../base/clock.ts";
import { systemErrorCode } from "./status.ts";
import { pause } from "./waiting.ts";

const POLL_MS = 5;
/** A killed process that has not ended by then hangs inside the kernel and can do no more harm. */
const DEATH_WAIT_MS = 5_000;

const liveGroups = new Set<number>();

/**
 * Remembers a process group until `endGroup`: whatever way this process exits, short of SIGKILL, the group is killed.
 */
export function watchGroup(pgid: number): void {
  if (liveGroups.size === 0) process.on("exit", killAllGroups);
  liveGroups.add(pgid);
}

/** Sends SIGKILL to all processes of a group. True when there was one. */
export function killGroup(pgid: number): boolean {
  try {
    return process.kill(-pgid, "SIGKILL");
  } catch (error) {
    if (systemErrorCode(error) === "ESRCH") return false;
    if (systemErrorCode(error) === "EPERM") return true;
    throw error;
  }
}

/** Kills what is left of a group and waits until it is gone. */
export async function endGroup(pgid: number, clock: Clock): Promise<void> {
  const giveUpAt = clock.now() + DEATH_WAIT_MS;
  while (killGroup(pgid) && hasLiveMember(pgid) && clock.now() < giveUpAt) await pause(clock, POLL_MS);
  liveGroups.delete(pgid);
  if (liveGroups.size === 0) process.off("exit", killAllGroups);
}

function killAllGroups(): void {
  for (const pgid of liveGroups) killGroup(pgid);
}

/** Zombies count as gone: only their parent can make them vanish, and that may be an init that never does. */
function hasLiveMember(pgid: number): boolean {
  if (process.platform !== "linux") return true;
  return processIds().some((pid) => {
    const stat = statOf(pid);
    return stat?.pgid === pgid && !stat.dead;
  });
}

/**
 * Kills processes that left their group and still use a directory: as working directory, program or open file. With
 * `afterPid` only those that started after that process. Processes with a terminal are left alone: a person who looks
 * around is no action. Linux only; elsewhere nothing is done.
 */
export async function endStragglers(directory: string, clock: Clock, afterPid?: number): Promise<void> {
  if (process.platform !== "linux") return;
  const giveUpAt = clock.now() + DEATH_WAIT_MS;
  while (killStragglers(directory, afterPid) && clock.now() < giveUpAt) await pause(clock, POLL_MS);
}

function killStragglers(directory: string, afterPid: number | undefined): boolean {
  let found = false;
  for (const pid of processIds(afterPid)) {
    if (pid === process.pid || !uses(pid, directory)) continue;
    const stat = statOf(pid);
    if (!stat || stat.dead || stat.terminal) continue;
    found = true;
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
    }
  }
  return found;
}

/** All process ids, or those given out after `afterPid`, which the kernel counts up and wraps around. */
function processIds(afterPid?: number): number[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  if (afterPid === undefined) return all;
  const newest = Number(readFileSync("/proc/loadavg", "utf8").trim().split(" ").at(-1));
  return all.filter((pid) => pid > afterPid || (newest < afterPid && pid <= newest));
}

function statOf(pid: number): { pgid: number; dead: boolean; terminal: boolean } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in parentheses and may hold anything.
    const [state, , pgid, , terminal] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { pgid: Number(pgid), dead: state === "Z" || state === "X", terminal: terminal !== "0" };
  } catch {
    return undefined;
  }
}

function uses(pid: number, directory: string): boolean {
  const isInside = (link: string) => {
    const target = linkTarget(link);
    return target !== undefined && (target === directory || target.startsWith(directory + sep));
  };
  if (isInside(`/proc/${pid}/cwd`) || isInside(`/proc/${pid}/exe`)) return true;
  return openFiles(pid).some((fd) => isInside(`/proc/${pid}/fd/${fd}`));
}

function openFiles(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`);
  } catch {
    return [];
  }
}

function linkTarget(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}
