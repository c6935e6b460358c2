import { readFileSync, writeFileSync } from "node:fs";
import { argv } from "node:process";
import { type Setting, settings } from "../../src/config/config.ts";

const document = new URL("../../docs/configuration.md", import.meta.url);
const START = "<!-- reference: written by `node test/config/reference.ts --write` -->";
const END = "<!-- end of reference -->";

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

function defaultText({ key, fallback }: Setting): string {
  if (key === "instances") return "the empty name and `main`";
  if (fallback === undefined) return "not set";
  if (fallback === "") return "empty";
  return `\`${Array.isArray(fallback) ? fallback.join(", ") : fallback}\``;
}

function row(setting: Setting): string {
  const { key, type, env, flag, description } = setting;
  const cells = [`\`${key}\``, cell(type), defaultText(setting), `\`${env}\`<br>\`--${flag}\``, cell(description)];
  return `| ${cells.join(" | ")} |`;
}

/** The reference of all settings in Markdown, with the marks that stand around it in the document. */
export function referenceTable(): string {
  const head = ["| setting | value | default | variable, flag | meaning |", "|---|---|---|---|---|"];
  return [START, ...head, ...settings.map(row), END].join("\n");
}

/** The document, and the part of it that is generated. */
export function readReference(): { text: string; table: string } {
  const text = readFileSync(document, "utf8");
  return {
    text,
    table: text.slice(text.indexOf(START), text.indexOf(END) + END.length),
  };
}

if (argv[1] === import.meta.filename && argv[2] === "--write") {
  const { text, table } = readReference();
  writeFileSync(
    document,
    text.replace(table, () => referenceTable()),
  );
}
