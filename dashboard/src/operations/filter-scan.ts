/** What a piece of a filter is. */
export type PieceKind = "key" | "operator" | "value" | "sort" | "and" | "or" | "not" | "open" | "close" | "wrong";

/** A piece of a filter; `start` and `end` are positions in the text. */
export interface Piece {
  readonly kind: PieceKind;
  readonly start: number;
  readonly end: number;
}

const BLANK = /\s*/y;
const WORD = /[A-Za-z0-9_@][A-Za-z0-9_@./+-]*/y;
const OPERATOR = /[<>!]=|[=<>:]/y;
const BARE = /[\p{L}\p{M}\p{N}_.:+/@%~#$?*-]+/uy;
const QUOTED = /"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?/sy;
const SORT = /[A-Za-z0-9_@./+-]*(?:\s*\(\s*[A-Za-z]*\s*\)?)?/y;

const KEYWORDS: Readonly<Record<string, PieceKind>> = { AND: "and", OR: "or", NOT: "not" };
const PUNCTUATION: Readonly<Record<string, PieceKind>> = { "&": "and", "(": "open", ")": "close", "-": "not" };

function matchEnd(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

/** Where the value that starts at `at` ends. */
function valueEnd(text: string, at: number, inGroup: boolean): number {
  let end = at;
  for (let open = 0; end < text.length; ) {
    const character = text[end];
    if (character === '"' || character === "'") end = matchEnd(QUOTED, text, end);
    else if (character === "(" || (character === ")" && (open > 0 || !inGroup))) {
      open += character === "(" ? 1 : -1;
      end += 1;
    } else {
      const bareEnd = matchEnd(BARE, text, end);
      if (bareEnd === end) break;
      end = bareEnd;
    }
  }
  return end;
}

/** A piece that is no value. */
function pieceAt(text: string, start: number): Piece {
  const punctuation = PUNCTUATION[text[start] ?? ""];
  if (punctuation) return { kind: punctuation, start, end: start + 1 };
  const operatorEnd = matchEnd(OPERATOR, text, start);
  if (operatorEnd > start) return { kind: "operator", start, end: operatorEnd };
  const end = matchEnd(WORD, text, start);
  if (end === start) return { kind: "wrong", start, end: start + 1 };
  const word = text.slice(start, end);
  return { kind: Object.hasOwn(KEYWORDS, word) ? (KEYWORDS[word] as PieceKind) : "key", start, end };
}

/**
 * The pieces of a filter, as the server's lexer takes it apart. A filter that is not finished, or wrong, has pieces too:
 * this never fails.
 */
export function scanFilter(text: string): Piece[] {
  const pieces: Piece[] = [];
  let groups = 0;
  for (let at = matchEnd(BLANK, text, 0); at < text.length; at = matchEnd(BLANK, text, at)) {
    const piece = operandAt(text, at, pieces, groups > 0) ?? pieceAt(text, at);
    if (piece.kind === "open") groups += 1;
    if (piece.kind === "close") groups -= 1;
    pieces.push(piece);
    at = piece.end;
  }
  return pieces;
}

/** What follows an operator: a value, or the key and direction of a sort. */
function operandAt(text: string, start: number, pieces: readonly Piece[], inGroup: boolean): Piece | undefined {
  if (pieces.at(-1)?.kind !== "operator") return undefined;
  const key = pieces.at(-2);
  const sorts = key?.kind === "key" && text.slice(key.start, key.end) === "sort_order";
  const end = sorts ? matchEnd(SORT, text, start) : valueEnd(text, start, inGroup);
  return end > start ? { kind: sorts ? "sort" : "value", start, end } : undefined;
}
