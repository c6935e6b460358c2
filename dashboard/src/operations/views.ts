import { type FilterText, sameFilter } from "./filter-text.ts";
import { CANCELLED, FAILED } from "./standing-condition.ts";

/** A list that has a name. */
export interface View {
  readonly name: string;
  readonly filter: FilterText;
  /** As in the address; undefined for the usual columns. */
  readonly columns?: string | undefined;
}

/** The views that everybody has. */
export const BUILT_IN: readonly View[] = [
  { name: "All", filter: "" },
  { name: "Queued", filter: "stage = QUEUED AND sort_order = queued_time" },
  { name: "Executing", filter: "stage = EXECUTING AND sort_order = start_time" },
  {
    name: "Failed",
    filter: `${FAILED} AND sort_order = completed_time(desc)`,
  },
  { name: "Cancelled", filter: `${CANCELLED} AND sort_order = completed_time(desc)` },
  { name: "Slow", filter: "duration > 1m AND sort_order = duration(desc)" },
  { name: "Retried", filter: "attempts > 1 AND sort_order = attempts(desc) AND sort_order = queued_time(desc)" },
];

/** The view that shows this list; undefined when none does. */
export function viewOf(views: readonly View[], filter: FilterText, columns: string | undefined): View | undefined {
  const same = views.filter((view) => sameFilter(view.filter, filter));
  return same.find((view) => view.columns === columns) ?? same.find((view) => view.columns === undefined);
}

const MOST_VIEWS = 100;
const LONGEST_NAME = 60;

/** Views as they were written down; whatever is none is left out. */
export function parseViews(text: string | null): View[] {
  try {
    const parsed: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(parsed) ? parsed.filter(isView).slice(0, MOST_VIEWS) : [];
  } catch {
    return [];
  }
}

function isView(value: unknown): value is View {
  if (typeof value !== "object" || value === null) return false;
  const { name, filter, columns } = value as Partial<Record<keyof View, unknown>>;
  const isColumns = columns === undefined || typeof columns === "string";
  return typeof name === "string" && name !== "" && typeof filter === "string" && isColumns;
}

/** With a view more; one of the same name is replaced. */
export function withView(views: readonly View[], view: View): View[] {
  const name = view.name.trim().slice(0, LONGEST_NAME);
  if (name === "") return [...views];
  return [...views.filter((each) => each.name !== name), { ...view, name }].slice(-MOST_VIEWS);
}

/** With a view under another name; where another has it already, nothing changes. */
export function renamed(views: readonly View[], from: string, to: string): View[] {
  const name = to.trim().slice(0, LONGEST_NAME);
  if (name === "" || views.some((view) => view.name === name)) return [...views];
  return views.map((view) => (view.name === from ? { ...view, name } : view));
}

/** Without the view of a name. */
export function withoutView(views: readonly View[], name: string): View[] {
  return views.filter((view) => view.name !== name);
}
