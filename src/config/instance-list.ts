import { z } from "zod";
import { RESERVED_SEGMENTS } from "../base/wire-names.ts";
import { type Leaf, listFromText, quoted } from "./kinds.ts";

/** The services that an instance may offer, under their names in the configuration. */
export const serviceNames = [
  "operations",
  "execution",
  "bots",
  "cas",
  "action_cache",
  "bytestream",
  "capabilities",
  "farm",
] as const;

/** The service of a name; undefined for what is none. */
export function serviceOf(value: unknown): ServiceName | undefined {
  return serviceNames.find((name) => name === value);
}

/** One of `serviceNames`. */
export type ServiceName = (typeof serviceNames)[number];

const LONGEST_NAME = 256;

/** Says what is wrong with the name of an instance, or undefined when it can be used. The empty name can. */
export function instanceNameProblem(name: string): string | undefined {
  if (name === "") return undefined;
  if (name.length > LONGEST_NAME) return `must have at most ${LONGEST_NAME} characters`;
  if (/[\s\p{Cc}\p{Cs}]/u.test(name)) return "must not contain white space or control characters";
  if (name === "*") return "must not be *, which means all instances to a bot";
  if (name === "-") return "must not be -, which means all instances in a list";
  for (const segment of name.split("/")) {
    if (segment === "") return "must not start or end with a slash or contain two in a row";
    if (segment === "." || segment === "..") return "must not contain . or .. between slashes";
    if (RESERVED_SEGMENTS.has(segment)) return `must not contain ${segment} between slashes, a reserved word of REAPI`;
  }
  return undefined;
}

const name = z
  .string({
    error: (issue) =>
      issue.input === undefined ? "is missing" : `must be text, not ${quoted(issue.input)}; quote it if it is meant`,
  })
  .superRefine((value, context) => {
    const problem = instanceNameProblem(value);
    if (problem !== undefined)
      context.addIssue({
        code: "custom",
        message: `${quoted(value)} ${problem}`,
      });
  });

const services = z
  .array(
    z.enum(serviceNames, {
      error: (issue) => `must be one of ${serviceNames.join(", ")}, not ${quoted(issue.input)}`,
    }),
    { error: "must be a list of services" },
  )
  .min(1, { error: "must not be empty" })
  .default([...serviceNames]);

/** One instance as written; what it leaves out is as for all. */
export interface InstanceEntry<O> {
  readonly name: string;
  readonly services: readonly ServiceName[];
  readonly overrides: O;
}

/** Runs beside items that are wrong in themselves, so that those may be anything. */
function reportDuplicates(instances: readonly unknown[], context: z.RefinementCtx): void {
  const seen = new Map<unknown, number>();
  for (const [index, instance] of instances.entries()) {
    if (typeof instance !== "object" || instance === null || !("name" in instance)) continue;
    const first = seen.get(instance.name);
    if (first === undefined) seen.set(instance.name, index);
    else {
      const message = `${quoted(instance.name)} is the name of instances[${first}] already`;
      context.addIssue({ code: "custom", message, path: [index, "name"] });
    }
  }
}

const longForm = (item: unknown): unknown => (typeof item === "string" ? { name: item } : item);

function fromText(text: string): unknown {
  const items = listFromText(text);
  return Array.isArray(items) ? items.map(longForm) : items;
}

function itemSchema<O>(sections: z.ZodRawShape): z.ZodType<InstanceEntry<O>> {
  const fields = z.strictObject(
    { ...sections, name, services },
    {
      error: (issue) =>
        issue.code === "invalid_type" ? `must be a name or a mapping, not ${quoted(issue.input)}` : undefined,
    },
  );
  return z.preprocess(
    longForm,
    fields.transform(({ name, services, ...overrides }) => ({ name, services, overrides: overrides as O })),
  );
}

/**
 * The list of instances. An item is a name, or a mapping with `name`, `services` and sections that override what is set
 * for all; as text, names separated by commas, or a list in YAML or JSON.
 */
export function instanceList<O>(
  description: string,
  names: readonly string[],
  sections: { readonly [K in keyof O]: z.ZodType<O[K]> },
): Leaf<readonly InstanceEntry<O>[]> {
  const schema = z
    .array(itemSchema<O>(sections as z.ZodRawShape), {
      error: (issue) => `must be a list, not ${quoted(issue.input)}`,
    })
    .min(1, { error: "must not be empty" })
    .superRefine(reportDuplicates, {
      when: ({ value }) => Array.isArray(value),
    });
  const fallback = names.map((name) => ({ name }));
  return { schema, fromText, fallback, suffix: "", description, type: "list of instances", placeholder: "list" };
}
