import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..");

/** Which room may import which; every room may import base and gen except where `noGen` says otherwise. */
const allowed: Record<string, readonly string[]> = {
  main: ["cli"],
  app: ["config", "server", "rpc", "services", "instances", "operations", "scheduler", "cas", "store"],
  cli: ["config", "app", "worker"],
  server: ["rpc"],
  rpc: ["services", "instances"],
  services: ["instances", "operations"],
  instances: ["operations", "scheduler", "cas"],
  operations: [],
  scheduler: ["store", "operations"],
  cas: ["store"],
  store: ["operations"],
  worker: [],
  config: [],
  base: [],
};
const noGen = new Set(["store"]);

/** npm packages that only these rooms may know. */
const packages: Record<string, readonly string[]> = {
  fastify: ["server"],
  "@connectrpc/connect-node": ["server", "cli", "worker", "cas"],
  "@connectrpc/connect": ["base", "server", "rpc", "services", "cli", "worker", "cas"],
  "node:sqlite": ["store"],
  pg: ["store"],
  pino: ["app", "cli"],
  "@aws-sdk/client-s3": ["cas"],
  commander: ["cli", "main"],
  zod: ["config"],
  yaml: ["config", "cli"],
};

interface Import {
  readonly file: string;
  readonly room: string;
  readonly specifier: string;
  readonly target: string | undefined;
}

test("rooms import only what the table allows", () => {
  const wrong = imports().filter(({ room, target }) => {
    if (target === undefined || target === room) return false;
    if (target === "gen") return noGen.has(room);
    return target !== "base" && !allowed[room]?.includes(target);
  });
  assert.deepEqual(wrong.map(describe), []);
});

test("rooms are entered through their door", () => {
  const wrong = imports().filter(({ file, room, specifier, target }) => {
    if (target === undefined || target === room || target === "gen" || target === "base") return false;
    const path = relative(join(root, "src"), join(root, dirname(file), specifier));
    return path !== `${target}.ts` && path !== `${target}/${target}.ts` && room !== "main";
  });
  assert.deepEqual(wrong.map(describe), []);
});

test("packages stay in the rooms that they belong to", () => {
  const wrong = imports().filter(({ room, specifier }) => {
    const rooms = packages[specifier];
    return rooms !== undefined && !rooms.includes(room);
  });
  assert.deepEqual(wrong.map(describe), []);
});

test("the dashboard imports generated code and base beside its own files and packages", () => {
  const files = readdirSync(join(root, "dashboard/src"), { recursive: true, encoding: "utf8" });
  const wrong = files
    .filter((file) => /\.tsx?$/.test(file))
    .flatMap((file) => {
      const path = join("dashboard/src", file);
      const specifiers = [...readFileSync(join(root, path), "utf8").matchAll(/(?:from|import)\s*\(?"(\.[^"]+)"/g)];
      return specifiers.map(([, specifier = ""]) => join(dirname(path), specifier));
    })
    .filter((target) => !/^(dashboard\/src|gen|src\/base)\//.test(target));
  assert.deepEqual(wrong, []);
});

test("every room of the table exists and every room is in the table", () => {
  const rooms = new Set(sources().map(roomOf));
  assert.deepEqual([...rooms].sort(), Object.keys(allowed).sort());
});

function sources(): string[] {
  return readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join("src", file));
}

function imports(): Import[] {
  return sources().flatMap((file) => {
    const text = readFileSync(join(root, file), "utf8");
    const specifiers = [...text.matchAll(/^(?:import|export)\b[^"]*?from "([^"]+)";|\bimport\("([^"]+)"\)/gm)];
    return specifiers.map(([, fixed, dynamic]) => {
      const specifier = fixed ?? dynamic ?? "";
      return { file, room: roomOf(file), specifier, target: targetOf(file, specifier) };
    });
  });
}

/** The room of a path below the root: the directory in src, or the file itself for main and app. */
function roomOf(path: string): string {
  const [top = "", room = ""] = path.split("/");
  return top === "src" ? room.replace(/\.ts$/, "") : top;
}

function targetOf(file: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  return roomOf(join(dirname(file), specifier));
}

function describe({ file, specifier }: Import): string {
  return `${file} imports ${specifier}`;
}
