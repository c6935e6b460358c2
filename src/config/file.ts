import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from "yaml";

/** A place in a document: keys and list indexes from its top. */
export type Path = readonly (string | number)[];

/** Something that is wrong in the text of a file. */
export interface FileProblem {
  readonly line: number;
  readonly message: string;
}

/** What a configuration file says. */
export interface ConfigFile {
  /** Keys and values, without the keys that have no value. */
  readonly content: Readonly<Record<string, unknown>>;
  readonly problems: readonly FileProblem[];
  /** The line of the value, or the key, at a place; undefined when the file has nothing there. */
  lineOf(path: Path): number | undefined;
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([, item]) => item !== null);
  return Object.fromEntries(kept.map(([name, item]) => [name, withoutNulls(item)]));
}

function offsetOf(document: Document.Parsed, path: Path): number | undefined {
  const parent = document.getIn(path.slice(0, -1), true);
  const pair = isMap(parent)
    ? parent.items.find(({ key }) => isScalar(key) && String(key.value) === path.at(-1))
    : undefined;
  const node = pair ? pair.key : document.getIn(path, true);
  return isNode(node) ? node.range?.[0] : undefined;
}

/** The values of a document; a document that expands without end is a problem of its first line. */
function contentOf(document: Document.Parsed, problems: FileProblem[]): unknown {
  if (problems.length > 0) return {};
  try {
    return withoutNulls(document.toJS());
  } catch (error) {
    problems.push({
      line: 1,
      message: error instanceof Error ? error.message : String(error),
    });
    return {};
  }
}

/** Reads the YAML text of a configuration file; a key without a value counts as left out. */
export function parseConfigFile(text: string): ConfigFile {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
  });
  const lineAt = (offset: number) => lines.linePos(offset).line;
  const problems: FileProblem[] = document.errors.map((error) => ({
    line: lineAt(error.pos[0]),
    message: error.message,
  }));
  const content = contentOf(document, problems);
  const isMapping = typeof content === "object" && content !== null && !Array.isArray(content);
  if (!isMapping && content !== null) problems.push({ line: 1, message: "must be a mapping of settings" });
  return {
    content: isMapping ? { ...content } : {},
    problems,
    lineOf: (path) => {
      const offset = offsetOf(document, path);
      return offset === undefined ? undefined : lineAt(offset);
    },
  };
}
