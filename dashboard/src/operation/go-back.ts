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
  return url !== null && !new URL(url).pathname.startsWith("/operations/");
}

/** Goes back to the list, or other page, that led the reader to operations, as it was; `otherwise` where there is none. */
export function goBackToList(otherwise: () => void): void {
  const { navigation } = globalThis as unknown as { navigation?: Navigation };
  const here = navigation?.currentEntry?.index ?? 0;
  const list = navigation?.entries().findLast(({ index, url }) => index < here && isList(url));
  if (navigation && list) {
    navigation.traverseTo(list.key).finished.catch(otherwise);
    return;
  }
  otherwise();
}
