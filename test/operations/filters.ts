import fc from "fast-check";
import {
  type Comparison,
  type Filter,
  type FilterKey,
  type FilterValue,
  filterKeys,
  type ScalarKey,
  type SortKey,
  type SortTerm,
  scalarKeys,
  sortKeys,
  type TextTest,
  type WrittenFilter,
} from "../../src/operations/operations.ts";

/** A leaf that compares. */
export const compare = (key: ScalarKey, op: Comparison, value: FilterValue): Filter => ({
  kind: "compare",
  key,
  op,
  value,
});

/** A sort term. */
export const by = (key: SortKey, descending = false): SortTerm => ({ key, descending });

const COMPARISONS: readonly Comparison[] = ["=", "!=", "<", "<=", ">", ">="];
const scalarNames = Object.keys(scalarKeys) as ScalarKey[];

// Not in the order of UTF-16: "\uffee" comes before the emoji.
const strangeTexts = ["", "a", "a b", "a%_", "*", "[a]?", "\uffee", "\u{1f600}", "AND", "now", 'q"\\', "ä\n", "\u2028"];

/** Any sort terms, up to a number of them. */
export const sortTerms = (maxLength: number): fc.Arbitrary<SortTerm[]> =>
  fc.array(
    fc.tuple(fc.constantFrom(...(Object.keys(sortKeys) as SortKey[])), fc.boolean()).map((term) => by(...term)),
    {
      maxLength,
    },
  );

/** What `values` has for a key that it knows, and some of anything else. */
export interface ValuePool {
  readonly values: Partial<Record<ScalarKey, readonly FilterValue[]>>;
  readonly properties: readonly (readonly [name: string, value: string])[];
}

const NO_POOL: ValuePool = { values: {}, properties: [] };

/** Any filter in its canonical form, about values of a pool now and then. */
export function filters(pool: ValuePool = NO_POOL): fc.Arbitrary<Filter> {
  return treesOf(leaves(pool)) as fc.Arbitrary<Filter>;
}

/** The same with times that are relative to now. */
export function writtenFilters(): fc.Arbitrary<WrittenFilter> {
  const keys = fc.constantFrom<ScalarKey>("queued_time", "start_time", "completed_time", "update_time");
  const offsets = fc.oneof(fc.constantFrom(0, -3_600_000, 86_400_000, 90_000), fc.integer());
  const relative = fc
    .tuple(keys, fc.constantFrom(...COMPARISONS), offsets)
    .map(([key, op, offsetMs]): WrittenFilter => ({ kind: "relative", key, op, offsetMs }));
  return treesOf(fc.oneof({ weight: 5, arbitrary: leaves(NO_POOL) }, relative));
}

function treesOf(leaf: fc.Arbitrary<WrittenFilter>): fc.Arbitrary<WrittenFilter> {
  const { tree } = fc.letrec<{ tree: WrittenFilter }>((tie) => {
    const terms = fc.array(tie("tree"), { minLength: 2, maxLength: 3 });
    return {
      tree: fc.oneof(
        { depthSize: "small", withCrossShrink: true, maxDepth: 4 },
        { weight: 4, arbitrary: leaf },
        { weight: 2, arbitrary: terms.map((each) => joined("and", each)) },
        { weight: 2, arbitrary: terms.map((each) => joined("or", each)) },
        { weight: 2, arbitrary: tie("tree").map((term): WrittenFilter => ({ kind: "not", term })) },
      ),
    };
  });
  return fc.oneof(
    { weight: 1, arbitrary: fc.constant<WrittenFilter>({ kind: "and", terms: [] }) },
    { weight: 30, arbitrary: tree },
  );
}

function joined(kind: "and" | "or", parts: readonly WrittenFilter[]): WrittenFilter {
  return { kind, terms: parts.flatMap((part) => (part.kind === kind ? part.terms : [part])) };
}

function leaves(pool: ValuePool): fc.Arbitrary<Filter> {
  const has = fc.constantFrom(...(Object.keys(filterKeys) as FilterKey[])).map((key): Filter => ({ kind: "has", key }));
  const scalar = fc.constantFrom(...scalarNames).chain((key) => scalarLeaf(key, pool));
  return fc.oneof(
    { weight: 6, arbitrary: scalar },
    { weight: 1, arbitrary: has },
    { weight: 2, arbitrary: propertyLeaf(pool) },
  );
}

function scalarLeaf(key: ScalarKey, pool: ValuePool): fc.Arbitrary<Filter> {
  const { type, contains } = filterKeys[key];
  const known = pool.values[key] ?? [];
  const values = known.length > 0 ? fc.oneof(fc.constantFrom(...known), anyValue(key)) : anyValue(key);
  const ops = type.name === "boolean" ? COMPARISONS.slice(0, 2) : contains ? COMPARISONS.slice(2) : COMPARISONS;
  const comparison = fc.tuple(fc.constantFrom(...ops), values).map(([op, value]) => compare(key, op, value));
  if (type.name !== "text") return comparison;
  const patterns = contains
    ? pieces(values).map((each) => ["", ...each.filter((piece) => piece !== ""), ""])
    : pieces(values);
  const like = fc
    .tuple(fc.constantFrom("=" as const, "!=" as const), patterns)
    .map(([op, each]): Filter => ({ kind: "like", key, op, pieces: each }));
  return fc.oneof({ weight: 3, arbitrary: comparison }, { weight: 2, arbitrary: like });
}

function anyValue(key: ScalarKey): fc.Arbitrary<FilterValue> {
  switch (filterKeys[key].type.name) {
    case "boolean":
      return fc.integer({ min: 0, max: 1 });
    case "stage":
      return fc.integer({ min: 0, max: 4 });
    case "code":
      return fc.integer({ min: -1, max: 20 });
    case "time":
      return fc.integer({ min: Date.UTC(1900), max: Date.UTC(2100) });
    case "duration":
      return fc.oneof(
        fc.nat(100_000),
        fc.nat(1000).map((hours) => hours * 3_600_000),
      );
    case "number":
      return fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer());
    default:
      return key === "name" ? fc.stringMatching(/^[A-Za-z0-9_.:+()-]{1,40}$/) : anyText;
  }
}

const anyText = fc.oneof(
  fc.constantFrom(...strangeTexts),
  fc.string({ unit: "grapheme", maxLength: 6 }).map((text) => text.toWellFormed().replaceAll("\0", "")),
);

/** Between 2 and 4 pieces, those in the middle not empty, cut out of texts. */
function pieces(texts: fc.Arbitrary<FilterValue>): fc.Arbitrary<string[]> {
  const part = fc.tuple(texts, fc.nat(5), fc.nat(5)).map(([text, from, length]) => {
    const characters = [...String(text)];
    return characters.slice(from, from + length).join("");
  });
  return fc
    .tuple(part, fc.array(part, { maxLength: 2 }), part)
    .map(([first, middle, last]) => [first, ...middle.filter((each) => each !== ""), last]);
}

function propertyLeaf({ properties }: ValuePool): fc.Arbitrary<Filter> {
  const anyProperty = fc.tuple(fc.constantFrom("OSFamily", "a b", "ä*"), anyText as fc.Arbitrary<string>);
  const known = properties.length > 0 ? fc.oneof(fc.constantFrom(...properties), anyProperty) : anyProperty;
  return known.chain(([name, value]) => {
    const values = fc.oneof(fc.constant(value), anyText);
    const comparison = fc
      .tuple(fc.constantFrom(...COMPARISONS), values)
      .map(([op, each]): TextTest => ({ kind: "compare", op, value: each }));
    const like = fc
      .tuple(fc.constantFrom("=" as const, "!=" as const), pieces(values))
      .map(([op, each]): TextTest => ({ kind: "like", op, pieces: each }));
    return fc.oneof(comparison, like).map((test): Filter => ({ kind: "property", name, test }));
  });
}
