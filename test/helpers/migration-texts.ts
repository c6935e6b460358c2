import { readdirSync } from "node:fs";

/** What `opgrid migrate` prints of the migrations of an engine. */
export function migrationTexts(engine: "sqlite" | "postgres") {
  const names = readdirSync(new URL(`../../src/store/migrations/${engine}/`, import.meta.url))
    .sort()
    .map((name) => name.split("."));
  const titles = names.map(([title]) => title);
  return {
    titles,
    pending: names.map(([title, mark]) => `${title} pending${mark === "compatible" ? ", compatible" : ""}\n`).join(""),
    applied: titles.map((title) => `${title} applied\n`).join(""),
    already: `already at ${titles.length}\n`,
  };
}
