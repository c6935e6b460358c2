import { lstat, mkdir, realpath } from "node:fs/promises";
import { basename, dirname, join, posix, sep } from "node:path";
import { invalidField } from "../base/errors.ts";
import { systemErrorCode } from "./status.ts";

/** Says what is wrong with the name of an entry of a Directory, or undefined. */
export function nameProblem(name: string): string | undefined {
  if (name === "") return "a name is empty";
  if (name === "." || name === "..") return `the name "${name}" is not allowed`;
  if (name.includes("/")) return `the name ${JSON.stringify(name)} holds a slash`;
  if (name.includes("\0")) return `the name ${JSON.stringify(name)} holds a NUL`;
  return undefined;
}

/**
 * Joins a path of a Command to a directory of the input root, both with slashes and relative to the root ("" is the
 * root itself). INVALID_ARGUMENT naming `field` when the path is absolute, holds a NUL or leaves the root.
 */
export function joinInside(base: string, path: string, field: string): string {
  if (path.includes("\0")) throw invalidField(field, "a path holds a NUL");
  if (path.startsWith("/")) throw invalidField(field, `${path} is absolute`);
  const joined = posix.normalize(posix.join(base, path)).replace(/\/$/, "");
  if (joined === ".." || joined.startsWith("../")) throw invalidField(field, `${path} leaves the input root`);
  return joined === "." ? "" : joined;
}

/**
 * Makes the directories of a path below `root`, which must be a real path. INVALID_ARGUMENT when something on the way
 * is no directory or a symbolic link that leads out of the root.
 */
export async function makeDirectories(root: string, path: string, field: string): Promise<void> {
  let current = root;
  for (const name of path.split("/").filter((part) => part !== "")) {
    const next = join(current, name);
    const made = await mkdir(next).then(
      () => true,
      (error) => {
        if (systemErrorCode(error) === "EEXIST") return false;
        throw error;
      },
    );
    current = made ? next : await realDirectory(root, next, path, field);
  }
}

/** The real path of a directory below `root`. INVALID_ARGUMENT when it is none or lies outside. */
export async function realDirectory(root: string, directory: string, shown: string, field: string): Promise<string> {
  const real = await realpath(directory).catch(() => undefined);
  if (real === undefined) throw invalidField(field, `${shown} is not a directory of the input root`);
  if (!isInside(root, real)) throw invalidField(field, `${shown} leaves the input root through a symbolic link`);
  if (!(await lstat(real)).isDirectory()) throw invalidField(field, `${shown} is not a directory`);
  return real;
}

/**
 * Where an output lies, with the directories on the way resolved and its own name not; undefined when a directory on
 * the way is missing. INVALID_ARGUMENT when they lead out of the root.
 */
export async function locateOutput(root: string, path: string, field: string): Promise<string | undefined> {
  if (path === "") return root;
  const parent = dirname(join(root, path));
  try {
    const real = await realpath(parent);
    if (isInside(root, real)) return join(real, basename(path));
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT" && systemErrorCode(error) !== "ENOTDIR") throw error;
    return undefined;
  }
  throw invalidField(field, `${path} leaves the input root through a symbolic link`);
}

function isInside(root: string, real: string): boolean {
  return real === root || real.startsWith(root + sep);
}
