import { ALL_INSTANCES } from "./paths.ts";

/** What decides how a page is called. */
export interface Place {
  readonly path: string;
  readonly instance: string;
  readonly filter: string | undefined;
}

const LONGEST = 60;

/** The title of a page, for tabs, history and bookmarks: what sets it apart comes first. */
export function pageTitle({ path, instance, filter }: Place): string {
  const [, page = "", ...rest] = path.split("/");
  const last = rest.at(-1) ?? "";
  const parts = [ownTitle(page, last, filter?.trim() ?? "")];
  if (instance !== ALL_INSTANCES) parts.push(instance === "" ? "(nameless)" : instance);
  return [...parts, "opgrid"].join(" · ");
}

function ownTitle(page: string, last: string, filter: string): string {
  if (page === "") return filter === "" ? "Operations" : shortened(filter);
  if (page === "operations") return `Operation ${last.slice(-12)}`;
  if (page === "invocations") return last === "" ? "Builds" : `Build ${shortened(last)}`;
  if (page === "workers") return "Workers and queue";
  return page === "overview" ? "Overview" : "No such page";
}

function shortened(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`;
}
