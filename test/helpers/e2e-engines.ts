import { spawnSync } from "node:child_process";
import type { TestContext } from "node:test";

const engines = {
  bazel: { command: ["bazel", "--version"], package: "bazel-bootstrap" },
  chromium: { command: ["chromium", "--version"], package: "chromium" },
  curl: { command: ["curl", "--version"], package: "curl" },
  "python grpc": { command: ["/usr/bin/python3", "-c", "import grpc, google.protobuf"], package: "python3-grpcio" },
} as const;

/** A client of somebody else's that a test needs on the machine. */
export type Engine = keyof typeof engines;

/**
 * Tells whether the engine is on this machine. Without it the test is skipped by name, but in CI (`CI` is set) it fails.
 * Usage: `if (!requireEngine(t, "bazel")) return;`
 */
export function requireEngine(t: TestContext, engine: Engine): boolean {
  const { command, package: debianPackage } = engines[engine];
  const probe = spawnSync(command[0], command.slice(1), { encoding: "utf8" });
  if (probe.status === 0) return true;
  const reason = `${engine} is not on this machine: apt-get install ${debianPackage}`;
  if (process.env.CI) throw new Error(`${reason}\n${probe.error?.message ?? probe.stderr}`);
  t.skip(reason);
  return false;
}
