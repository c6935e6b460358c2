/** The instance name that stands for all. */
export const ALL_INSTANCES = "-";

/** The pages, as the first segment of their paths. The server answers these with the dashboard. */
export const PAGES = ["operations", "invocations", "workers", "overview"] as const;

function search(parameters: Record<string, string | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, value);
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

/** What the name of an operation or an invocation looks like in a path: its slashes stay where no browser minds them. */
function segments(name: string): string {
  const parts = name.split("/");
  const isResolved = parts.includes(".") || parts.includes("..");
  return parts.map(encodeURIComponent).join(isResolved ? "%2F" : "/");
}

/** The name in a path after its first segment, slashes and all; of the path as the browser has it. */
export function nameIn(path: string): string {
  return path.split("/").slice(2).map(decodeSegment).join("/");
}

/** An address can be written by hand, and so be none. */
function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function instanceOf(instance: string): string | undefined {
  return instance === ALL_INSTANCES ? undefined : instance;
}

/** The list of the operations of an instance that match a filter, with some columns or the usual ones. */
export function operationsPath(instance: string, filter?: string, columns?: string): string {
  return `/${search({ instance: instanceOf(instance), filter, columns })}`;
}

/** One operation, by its full name; the instance is what lists are of that the reader goes on to. */
export function operationPath(name: string, instance: string = ALL_INSTANCES): string {
  return `/operations/${segments(name)}${search({ instance: instanceOf(instance) })}`;
}

/** What a build is called: one run of a tool, or several runs that it says belong together. */
export type BuildKind = "invocation" | "correlated";

/** All operations of a build. */
export function invocationPath(instance: string, id: string, kind: BuildKind = "invocation"): string {
  return `/invocations/${segments(id)}${search({
    instance: instanceOf(instance),
    kind: kind === "invocation" ? undefined : kind,
  })}`;
}

/** The builds of late; `correlated` for those that belong together as one. */
export function buildsPath(instance: string, kind: BuildKind = "invocation"): string {
  return `/invocations${search({ instance: instanceOf(instance), kind: kind === "invocation" ? undefined : kind })}`;
}

/** The workers and the queue of an instance; of the workers perhaps only those that have all of some words. */
export function workersPath(instance: string, words?: string): string {
  return `/workers${search({ instance: instanceOf(instance), q: words })}`;
}

/** How an instance has done lately. */
export function overviewPath(instance: string): string {
  return `/overview${search({ instance: instanceOf(instance) })}`;
}
