import type { z } from "zod";
import { findClashes } from "./clashes.ts";
import type { Path } from "./file.ts";
import { ConfigError, type Problem } from "./problems.ts";
import type { FileValues } from "./resolve.ts";
import { instanceSections, tree } from "./schema.ts";
import { settings } from "./settings.ts";
import type { Said } from "./sources.ts";
import { suggestion } from "./suggest.ts";
import { camelCase, fileSchema, isLeaf, type Tree } from "./tree.ts";

const schema = fileSchema(tree);

/** `["instances", 0, "name"]` -> `instances[0].name`. */
function keyOf(path: Path): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`))
    .join("")
    .replace(/^\./, "");
}

/** The names that may stand at a place of the file. */
function namesAt(path: Path): string[] {
  if (path[0] === "instances" && path.length === 2) return ["name", "services", ...Object.keys(instanceSections)];
  let node: Tree = tree;
  for (const name of path[0] === "instances" ? path.slice(2) : path) {
    const child = node[name];
    if (child === undefined || isLeaf(child)) return [];
    node = child;
  }
  return Object.keys(node);
}

/** A name that is unknown here is looked for among its neighbours, then at other places of the file. */
function unknownKey(path: Path, name: string): string {
  const near = suggestion(name, namesAt(path));
  if (near !== "") return `is not a setting${near}`;
  const elsewhere = settings.find((setting) => setting.path.at(-1) === name);
  return elsewhere ? `is not a setting here; did you mean ${elsewhere.key}?` : "is not a setting";
}

function toPath(path: readonly PropertyKey[]): (string | number)[] {
  return path.map((part) => (typeof part === "number" ? part : String(part)));
}

function fromIssue(issue: z.core.$ZodIssue): { path: Path; message: string }[] {
  const path = toPath(issue.path);
  if (issue.code !== "unrecognized_keys") return [{ path, message: issue.message }];
  return issue.keys.map((name) => ({
    path: [...path, name],
    message: unknownKey(path, name),
  }));
}

/** The sections that are right, when not all are. */
function rightSections(content: Said["content"]): Partial<FileValues> {
  const sections = Object.entries(tree).flatMap(([name, node]) => {
    const section = fileSchema({ [name]: node }).safeParse(name in content ? { [name]: content[name] } : {});
    return section.success ? [[camelCase(name), Object.values(section.data)[0]]] : [];
  });
  return Object.fromEntries(sections);
}

/** Who said it; in the list of instances, what lacks something is blamed for that. */
function blame(said: Said, path: Path): string {
  const source = said.sourceOf(path);
  return source ?? (path[0] === "instances" && path.length > 1 ? blame(said, path.slice(0, -1)) : "");
}

/** Checks what was said. Throws a ConfigError that holds every problem. */
export function check(said: Said): FileValues {
  const parsed = schema.safeParse(said.content);
  const wrong = parsed.success ? [] : parsed.error.issues.flatMap(fromIssue);
  wrong.push(...findClashes(parsed.success ? parsed.data : rightSections(said.content)));
  const found = wrong.map(
    ({ path, message }): Problem => ({
      key: keyOf(path),
      source: blame(said, path),
      message,
    }),
  );
  const problems = [...said.problems, ...found];
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  return parsed.data;
}
