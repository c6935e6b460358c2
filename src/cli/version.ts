import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";

/** The version of this package, whether it runs from its sources or compiled. */
export function version(): string {
  const path = findPackageJSON(import.meta.url);
  if (path === undefined) throw new Error("package.json is missing");
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
}
