import assert from "node:assert/strict";
import test from "node:test";
import { botEnvironment } from "../../src/cli/bot-environment.ts";

test("embedded bots get none of what opens the server's bucket and database", () => {
  const secrets = { AWS_SECRET_ACCESS_KEY: "a", AWS_PROFILE: "b", PGPASSWORD: "c", OPGRID_STORE: "postgres://u:p@h/d" };
  const others = { PATH: "/bin", HOME: "/root", OPGRID_LOG_LEVEL: "debug" };
  assert.deepEqual(botEnvironment({ ...secrets, ...others }), others);
});
