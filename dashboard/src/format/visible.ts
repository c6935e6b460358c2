// biome-ignore-start lint/suspicious/noControlCharactersInRegex: controls are what is looked for
/** Controls, and what makes text look like another: directions, invisible spaces and joiners. */
export const SPECIAL =
  /[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: controls are what is looked for

/** One of them as it is shown: its code point. */
export function visible(character: string): string {
  return `⟨U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
}

/** A short text with its controls made visible, newlines included. */
export function visibleText(text: string): string {
  return text.replace(SPECIAL, visible);
}

/** A text with its controls made visible, but for its newlines. */
export function visibleLines(text: string): string {
  return text.split("\n").map(visibleText).join("\n");
}
