import { z } from "zod";
import { type Leaf, quoted } from "./kinds.ts";

// biome-ignore lint/suspicious/noExplicitAny: a leaf of whatever type; the mapped types below recover it
export type AnyLeaf = Leaf<any, "" | "Ms">;

/** Settings by name, in sections. */
export interface Tree {
  readonly [name: string]: AnyLeaf | Tree;
}

type Camel<S extends string> = S extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : S;
type NameInCode<K, N> = K extends string
  ? N extends Leaf<unknown, infer Suffix>
    ? `${Camel<K>}${Suffix}`
    : Camel<K>
  : never;

/** What code sees of a tree: camelCase names, durations in milliseconds under names that end with `Ms`. */
export type Values<T> = {
  readonly [K in keyof T as NameInCode<K, T[K]>]: T[K] extends {
    schema: z.ZodType<infer V>;
  }
    ? V
    : Values<T[K]>;
};

/** True for a setting, false for a section. */
export function isLeaf(node: AnyLeaf | Tree): node is AnyLeaf {
  return node.schema instanceof z.ZodType;
}

/** `max_bytes` -> `maxBytes`. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function inCode(tree: Tree, values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, node] of Object.entries(tree)) {
    if (values[name] !== undefined) result[camelCase(name) + (isLeaf(node) ? node.suffix : "")] = values[name];
  }
  return result;
}

function strict(shape: z.ZodRawShape) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === "invalid_type" ? `must be a mapping, not ${quoted(issue.input)}` : undefined),
  });
}

function build(tree: Tree, leafSchema: (leaf: AnyLeaf) => z.ZodType): z.ZodType {
  const shape = Object.fromEntries(
    Object.entries(tree).map(([name, node]) => [
      name,
      isLeaf(node) ? leafSchema(node) : build(node, leafSchema).prefault({}),
    ]),
  );
  return strict(shape).transform((values) => inCode(tree, values));
}

/** The schema of a file: sections and settings may be left out and are then as by default; nothing else may stand in it. */
export function fileSchema<T extends Tree>(tree: T): z.ZodType<Values<T>> {
  const schema = build(tree, (leaf) =>
    leaf.fallback === undefined ? leaf.schema : leaf.schema.prefault(leaf.fallback),
  );
  return schema as z.ZodType<Values<T>>;
}

type Overrides<T> = {
  readonly [K in keyof T]: Partial<Values<T[K]>> | undefined;
};

/** The schemas of sections in which everything may be left out and then is not there. */
export function overrides<T extends Readonly<Record<string, Tree>>>(sections: T) {
  const entries = Object.entries(sections).map(([name, section]) => [
    name,
    build(section, (leaf) => leaf.schema.optional()).optional(),
  ]);
  return Object.fromEntries(entries) as {
    readonly [K in keyof T]: z.ZodType<Overrides<T>[K]>;
  };
}
