import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Runs the generator into a temporary directory and compares: exits with 1 and names the files when gen/ is not up to date. */
const root = join(import.meta.dirname, "../..");
const fresh = mkdtempSync(join(tmpdir(), "opgrid-gen-"));
try {
  execFileSync("buf", ["generate", "--output", fresh], { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  const made = filesBelow(join(fresh, "gen"));
  const kept = filesBelow(join(root, "gen"));
  const names = [...new Set([...made, ...kept])].sort();
  const stale = names.filter((name) => read(join(fresh, "gen", name)) !== read(join(root, "gen", name)));
  if (stale.length > 0) {
    console.error(`gen/ is not up to date, run "npm run generate":\n  ${stale.join("\n  ")}`);
    process.exitCode = 1;
  }
} finally {
  rmSync(fresh, { recursive: true });
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
}

function read(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
