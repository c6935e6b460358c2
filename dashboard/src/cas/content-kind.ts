/** How the content of a file is shown. */
export type ContentKind =
  | { readonly kind: "text" }
  | { readonly kind: "binary" }
  /** One of the formats that hold pixels and nothing else. */
  | { readonly kind: "image"; readonly mediaType: string };

const text = (bytes: Uint8Array, from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to));

function imageType(bytes: Uint8Array): string | undefined {
  if (text(bytes, 0, 8) === "\x89PNG\r\n\x1a\n") return "image/png";
  if (text(bytes, 0, 3) === "\xff\xd8\xff") return "image/jpeg";
  if (/^GIF8[79]a/.test(text(bytes, 0, 6))) return "image/gif";
  if (text(bytes, 0, 4) === "RIFF" && text(bytes, 8, 12) === "WEBP") return "image/webp";
  if (text(bytes, 0, 2) === "BM" && text(bytes, 6, 10) === "\0\0\0\0") return "image/bmp";
  return undefined;
}

/** Tells by the first bytes, never by a name. What has a NUL, or is hardly UTF-8, is binary. */
export function contentKind(beginning: Uint8Array): ContentKind {
  const mediaType = imageType(beginning);
  if (mediaType !== undefined) return { kind: "image", mediaType };
  if (beginning.includes(0)) return { kind: "binary" };
  const decoded = new TextDecoder().decode(beginning, { stream: true });
  const wrong = decoded.split("\ufffd").length - 1;
  return { kind: wrong * 10 > decoded.length ? "binary" : "text" };
}

/** Bytes as people who debug read them: offset, sixteen pairs, characters. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.byteLength; at += 16) {
    const row = [...bytes.subarray(at, at + 16)];
    const pairs = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const characters = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·")).join("");
    lines.push(`${at.toString(16).padStart(8, "0")}  ${pairs.padEnd(48)} ${characters}`);
  }
  return lines.join("\n");
}

/** Bytes as hexadecimal digits. */
export function hexText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
