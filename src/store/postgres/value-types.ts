import pg from "pg";

const { builtins } = pg.types;

/** What stands before the hexadecimal digits of bytes. */
const PREFIX = "\\x";

/** What the driver does not do by itself: whole numbers are numbers, as all of ours are exact, and bytes are plain bytes. */
const parsers = new Map<number, (text: string) => unknown>([
  [builtins.INT8, Number],
  [builtins.BYTEA, parseBytes],
]);

/** How columns become values. */
export const types: pg.CustomTypesConfig = {
  getTypeParser: (id: number, format?: "text" | "binary") =>
    parsers.get(id) ??
    (format === "binary" ? pg.types.getTypeParser(id, "binary") : pg.types.getTypeParser(id, "text")),
};

function parseBytes(text: string): Uint8Array {
  const bytes = new Uint8Array((text.length - PREFIX.length) / 2);
  Buffer.from(bytes.buffer).write(text.slice(PREFIX.length), "hex");
  return bytes;
}
