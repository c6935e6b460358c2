import { isIPv6 } from "node:net";

const SIZE_UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1e3,
  m: 60e3,
  h: 3600e3,
  d: 86400e3,
};

const QUANTITY = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i;

function quantity(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits, unit] = QUANTITY.exec(text.trim()) ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  const factor = unit === "" ? 1 : units[unit.toLowerCase()];
  if (factor === undefined) return undefined;
  const value = Number(digits) * factor;
  return Number.isSafeInteger(value) ? value : undefined;
}

/**
 * Bytes of a size: a number, or text as `64MiB` (powers of 1024), `10GB` (powers of 1000) or `512`. Undefined when it is
 * none, or not a whole number of bytes.
 */
export function parseSize(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  return typeof value === "string" ? quantity(value, SIZE_UNITS) : undefined;
}

/**
 * Milliseconds of a duration as `500ms`, `30s`, `5m`, `2h` or `1d`. A number without a unit is none, except 0: whoever
 * writes `30` may mean seconds or milliseconds. Undefined when it is none, or not a whole number of milliseconds.
 */
export function parseDuration(value: unknown): number | undefined {
  if (value === 0 || value === "0") return 0;
  if (typeof value !== "string" || /^[\d.\s]*$/.test(value)) return undefined;
  return quantity(value, DURATION_UNITS);
}

/** A network address to listen on. */
export interface ListenAddress {
  /** An IP address without brackets, or a host name. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

const HOST_PORT = /^(?:\[([0-9a-f:.]+(?:%[\w.-]+)?)\]|([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)):(\d{1,5})$/i;

/**
 * Splits `host:port` or `[address]:port`. The name localhost becomes 127.0.0.1, because one name with two addresses
 * would open two ports. Undefined when it is neither.
 */
export function parseListen(value: unknown): ListenAddress | undefined {
  const [, ipv6, name, digits] = typeof value === "string" ? (HOST_PORT.exec(value.trim()) ?? []) : [];
  const port = Number(digits);
  const host = ipv6 ?? name;
  if (host === undefined || port > 65535 || (ipv6 !== undefined && !isIPv6(ipv6))) return undefined;
  return {
    host: host.toLowerCase() === "localhost" ? "127.0.0.1" : host,
    port,
  };
}
