import assert from "node:assert/strict";
import { hostname } from "node:os";
import { test } from "node:test";
import { embeddedBotArgs } from "../../src/cli/bot.ts";
import { loadConfig } from "../../src/config/config.ts";

function nameOf(store: string, remote: string): string | undefined {
  const args = embeddedBotArgs(loadConfig({ flags: { store }, env: {} }), remote);
  const at = args.indexOf("--bot-id");
  return at < 0 ? undefined : args[at + 1];
}

test("bots of servers that share a store have names that differ on one machine", () => {
  const store = "postgres://opgrid@127.0.0.1/opgrid";
  assert.equal(nameOf(store, "http://127.0.0.1:50051"), `${hostname()}-50051`);
  assert.equal(nameOf(store, "http://127.0.0.1:50052"), `${hostname()}-50052`);
  assert.equal(nameOf(store, "http://127.0.0.1:80"), `${hostname()}-80`);
});

test("bots of a server with a store of its own are called after the machine", () => {
  assert.equal(nameOf("sqlite", "http://127.0.0.1:50051"), undefined);
});
