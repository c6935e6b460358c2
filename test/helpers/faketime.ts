import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

const LIBRARIES = "/usr/lib";
const INSTALL = "apt-get update && apt-get install -y faketime";

/** The environment of a process whose wall clock is this far ahead of the machine's; its monotonic clock is not touched. */
export function wallClockAhead(seconds: number): Record<string, string> {
  const library = readdirSync(LIBRARIES)
    .map((machine) => join(LIBRARIES, machine, "faketime", "libfaketimeMT.so.1"))
    .find((path) => existsSync(path));
  if (library === undefined) throw new Error(`these tests need faketime: ${INSTALL}`);
  return { LD_PRELOAD: library, FAKETIME: `${seconds < 0 ? "" : "+"}${seconds}s`, FAKETIME_DONT_FAKE_MONOTONIC: "1" };
}
