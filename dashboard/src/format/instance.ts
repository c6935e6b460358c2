/** The name of an instance, for a cell or a list: the one without a name has to have one there. */
export function instanceText(name: string): string {
  return name === "" ? "(nameless)" : name;
}

/** An instance within a sentence. */
export function instanceWords(name: string): string {
  return name === "" ? "the nameless instance" : name;
}
