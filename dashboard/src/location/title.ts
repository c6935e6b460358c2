import { instanceText } from "../format/instance.ts";
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
  const parts = [ownTitle(page, rest, filter?.trim() ?? "")];
  if (instance !== ALL_INSTANCES) parts.push(instanceText(instance));
  return [...parts, "opgrid"].join(" · ");
}

function ownTitle(page: string, rest: readonly string[], filter: string): string {
  if (page === "") return filter === "" ? "Operations" : shortened(filter);
  if (page === "operations") return `Operation ${(rest.at(-1) ?? "").slice(-12)}`;
  const id = rest.join("/");
  if (page === "invocations") return id === "" ? "Builds" : `Build ${shortened(id)}`;
  if (page === "workers") return "Workers and queue";
  return page === "overview" ? "Overview" : "No such page";
}

function shortened(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`;
}
