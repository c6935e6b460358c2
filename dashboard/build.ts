import { existsSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const built = join(root, "dist/dashboard");

/** When the newest file of a directory was changed, in milliseconds since the epoch. */
function newest(directory: string): number {
  const files = readdirSync(directory, { recursive: true, encoding: "utf8" });
  return Math.max(...files.map((file) => statSync(join(directory, file)).mtimeMs));
}

function isUpToDate(): boolean {
  if (!existsSync(join(built, "index.html"))) return false;
  const sources = [import.meta.dirname, join(root, "gen"), join(root, "src/base")].map(newest);
  return statSync(built).mtimeMs > Math.max(statSync(join(root, "package-lock.json")).mtimeMs, ...sources);
}

/** Puts a finished build in the place of the old one, whoever else does the same just now. */
function replaceBy(made: string): void {
  const old = `${built}.old-${process.pid}`;
  try {
    renameSync(built, old);
  } catch {
    // There was none, or another build has just taken it away.
  }
  try {
    renameSync(made, built);
  } catch {
    // The other build is in place already: it is the same.
    rmSync(made, { recursive: true, force: true });
  }
  rmSync(old, { recursive: true, force: true });
}

if (!isUpToDate()) {
  const outDir = `${built}.new-${process.pid}`;
  const { build } = await import("vite").catch(() => ({ build: undefined }));
  if (build) {
    await build({ configFile: join(import.meta.dirname, "vite.config.ts"), logLevel: "warn", build: { outDir } });
    replaceBy(outDir);
  } else {
    console.error("The dashboard is not built: that takes the development packages (npm ci without --omit=dev).");
  }
}
