import { spawnSync } from "node:child_process";
import type { TestContext } from "node:test";

const engines = {
  bazel: { command: ["bazel", "--version"], package: "bazel-bootstrap" },
  chromium: { command: ["chromium", "--version"], package: "chromium" },
  curl: { command: ["curl", "--version"], package: "curl" },
  radosgw: {
    command: [
      "/usr/bin/sh",
      "-c",
      "PATH=$PATH:/usr/sbin radosgw --version && ceph-mon --version && ceph-osd --version && ceph --version",
    ],
    package: "radosgw ceph-mon ceph-osd ceph-common",
  },
  "python grpc": { command: ["/usr/bin/python3", "-c", "import grpc, google.protobuf"], package: "python3-grpcio" },
} as const;

/** A client of somebody else's that a test needs on the machine. */
export type Engine = keyof typeof engines;

function probe(engine: Engine) {
  const { command } = engines[engine];
  return spawnSync(command[0], command.slice(1), { encoding: "utf8" });
}

/** True when the engine is on this machine. */
export function isInstalled(engine: Engine): boolean {
  return probe(engine).status === 0;
}

/**
 * Tells whether the engine is on this machine. Without it the test is skipped by name, but in CI (`CI` is set) it fails.
 * Usage: `if (!requireEngine(t, "bazel")) return;`
 */
export function requireEngine(t: TestContext, engine: Engine): boolean {
  const { status, error, stderr } = probe(engine);
  if (status === 0) return true;
  const reason = `${engine} is not on this machine: apt-get install ${engines[engine].package}`;
  if (process.env.CI) throw new Error(`${reason}\n${error?.message ?? stderr}`);
  t.skip(reason);
  return false;
}
