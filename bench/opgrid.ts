import { join } from "node:path";
import type { Options } from "./options.ts";
import { type BenchServer, startServer } from "./servers.ts";

/** Starts `opgrid serve` on a data directory, with its defaults and what the bench was told to give it. */
export function startOpgrid(
  name: string,
  setup: {
    dataDir: string;
    instances: readonly string[];
    logDir: string;
    options: Pick<Options, "profileDir" | "serverFlags">;
  },
): Promise<BenchServer> {
  const { profileDir, serverFlags } = setup.options;
  const profile = profileDir === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", profileDir];
  const serve = ["serve", "--listen", "127.0.0.1:0", "--data-dir", setup.dataDir, "--bots", "0"];
  // The seeded operations have no client; they are to stay.
  const flags = ["--instances", setup.instances.join(","), "--execution-orphan-grace", "0"];
  const args = [...profile, join(import.meta.dirname, "../src/main.ts"), ...serve, ...flags, ...serverFlags];
  return startServer(name, { args, logDir: setup.logDir });
}
