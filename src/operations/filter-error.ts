import { invalidField, type StatusError } from "../base/errors.ts";

const SHOWN_AROUND = 40;
const LINE_BREAKERS = /[\p{Cc}\p{Zl}\p{Zp}]/gu;

/** INVALID_ARGUMENT on the field `filter`: the problem, where it is, and a caret under the place. */
export function filterError(text: string, position: number, problem: string): StatusError {
  const start = Math.max(0, position - SHOWN_AROUND);
  const end = Math.min(text.length, position + SHOWN_AROUND);
  const before = start > 0 ? "..." : "";
  const after = end < text.length ? "..." : "";
  const excerpt = text.slice(start, end).toWellFormed().replace(LINE_BREAKERS, " ");
  const caret = " ".repeat(before.length + position - start);
  return invalidField("filter", `at character ${position + 1}: ${problem}\n  ${before}${excerpt}${after}\n  ${caret}^`);
}

/** A piece of the filter as it may stand in a message: quoted, escaped and short. */
export function quoted(word: string): string {
  return JSON.stringify(word.length > SHOWN_AROUND ? `${word.slice(0, SHOWN_AROUND)}...` : word);
}
