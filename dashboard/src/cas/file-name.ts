// biome-ignore lint/suspicious/noControlCharactersInRegex: those are refused
const REFUSED = /[\x00-\x1f\x7f<>:"\\|?*\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The last segment of a path, without what file systems refuse. */
export function fileName(path: string): string {
  const last = path.split("/").filter(Boolean).at(-1) ?? "";
  const safe = last.replace(REFUSED, "_").replace(/^\.+/, "_");
  return safe === "" ? "blob" : safe.slice(0, 200);
}
