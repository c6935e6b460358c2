/**
 * A text that a user wrote, for a message, with `***` for what may be a password: whatever stands between the first colon, or
 * `://`, and the last `@`, because in a URL that is wrong nobody knows where the password is, and parameters of that name.
 */
export function withoutPasswords(text: string): string {
  return text.replace(/(:(?:\/\/)?).*@/s, "$1***@").replace(/(password=)[^&\s"']*/gi, "$1***");
}

/** A URL that is right, without its password; as it was when it has none. */
export function urlWithoutPassword(text: string): string {
  if (!URL.canParse(text)) return text;
  const url = new URL(text);
  const secret = [...url.searchParams.keys()].filter((name) => /password/i.test(name));
  if (url.password === "" && secret.length === 0) return text;
  url.password = "";
  for (const name of secret) url.searchParams.delete(name);
  return url.href;
}
