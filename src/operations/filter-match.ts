import { filterKeys, scalarKeys } from "./filter-keys.ts";
import type { Comparison, Filter, FilterKey, FilterValue, TextTest } from "./filter-tree.ts";
import type { OperationRecord } from "./record.ts";

/** Whether an operation passes a filter: what every store's SQL must mean. */
export function matches(filter: Filter, record: OperationRecord): boolean {
  switch (filter.kind) {
    case "and":
      return filter.terms.every((term) => matches(term, record));
    case "or":
      return filter.terms.some((term) => matches(term, record));
    case "not":
      return !matches(filter.term, record);
    case "compare": {
      const actual = scalarKeys[filter.key].read(record);
      return actual !== null && compares(actual, filter.op, filter.value);
    }
    case "like": {
      const actual = scalarKeys[filter.key].read(record);
      return actual !== null && likes(String(actual), filter.pieces) === (filter.op === "=");
    }
    case "has":
      return has(filter.key, record);
    case "property":
      return record.job.platform.some(({ name, value }) => name === filter.name && passes(value, filter.test));
  }
}

/** The order of texts by their UTF-8 bytes, which is that of their code points and not that of UTF-16. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return x >= FIRST_SURROGATE && y >= FIRST_SURROGATE ? rank(x) - rank(y) : x - y;
  }
  return a.length - b.length;
}

const FIRST_SURROGATE = 0xd800;
const AFTER_SURROGATES = 0xe000;

/** Puts surrogates, which stand for what is beyond U+FFFF, after all other code units. */
function rank(unit: number): number {
  return unit < AFTER_SURROGATES ? unit + 0x10000 : unit;
}

function has(key: FilterKey, record: OperationRecord): boolean {
  if (key === "platform") return record.job.platform.length > 0;
  const actual = scalarKeys[key].read(record);
  return actual !== null && !(filterKeys[key].type.name === "text" && actual === "");
}

function passes(actual: string, test: TextTest): boolean {
  if (test.kind === "compare") return compares(actual, test.op, test.value);
  return likes(actual, test.pieces) === (test.op === "=");
}

function compares(actual: FilterValue, op: Comparison, wanted: FilterValue): boolean {
  const sign = typeof actual === "string" ? compareText(actual, String(wanted)) : actual - Number(wanted);
  switch (op) {
    case "=":
      return sign === 0;
    case "!=":
      return sign !== 0;
    case "<":
      return sign < 0;
    case "<=":
      return sign <= 0;
    case ">":
      return sign > 0;
    case ">=":
      return sign >= 0;
  }
}

function likes(text: string, pieces: readonly string[]): boolean {
  const first = pieces[0] ?? "";
  const last = pieces.at(-1) ?? "";
  const end = text.length - last.length;
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  for (let i = 1; i < pieces.length - 1; i++) {
    const piece = pieces[i] ?? "";
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return at <= end;
}
