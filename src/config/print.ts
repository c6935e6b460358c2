import { Document, isNode, isScalar } from "yaml";
import { type Setting, settings } from "./settings.ts";
import type { Said } from "./sources.ts";

function sayWhere(document: Document, setting: Setting, source: string): void {
  const node = document.getIn(setting.path, true);
  if (isScalar(node)) node.comment = ` ${source}`;
  else if (isNode(node)) node.commentBefore = ` ${source}`;
}

function effectiveValue(said: Said, { path, fallback }: Setting): unknown {
  let value: unknown = said.content;
  for (const name of path) value = (value as Record<string, unknown> | undefined)?.[name];
  return value ?? fallback;
}

/** The whole configuration, without passwords, as a YAML file that loads again, with the source of each value beside it. */
export function print(said: Said): string {
  const document = new Document({});
  for (const setting of settings) {
    const value = effectiveValue(said, setting);
    if (value === undefined) continue;
    const shown = setting.shown(value);
    const source = said.sourceOf(setting.path) ?? "default";
    document.setIn(setting.path, document.createNode(shown));
    sayWhere(document, setting, shown === value ? source : `${source}, without its password`);
  }
  return document.toString({ lineWidth: 0 });
}
