import { operationsPath } from "../location/paths.ts";

interface Entry {
  readonly key: string;
  readonly index: number;
  readonly url: string | null;
}

interface Navigation {
  readonly currentEntry: Entry | null;
  entries(): readonly Entry[];
  traverseTo(key: string): { finished: Promise<unknown> };
}

function isList(url: string | null): boolean {
  return url !== null && new URL(url).pathname === "/";
}

/** Goes back to the list that the reader came from, as it was; to the list of all where there is none. */
export function goBackToList(navigate: (path: string) => void): void {
  const { navigation } = globalThis as unknown as { navigation?: Navigation };
  const here = navigation?.currentEntry?.index ?? 0;
  const list = navigation?.entries().findLast(({ index, url }) => index < here && isList(url));
  if (navigation && list) {
    navigation.traverseTo(list.key).finished.catch(() => navigate(operationsPath("-")));
    return;
  }
  navigate(operationsPath("-"));
}
