import { spawn } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { freePort, runSql, unprivileged } from "./postgres-server.ts";
import { until } from "./until.ts";

const BINARY = "/usr/sbin/pgbouncer";
const INSTALL = "apt-get update && apt-get install -y pgbouncer";

/** Starts PgBouncer in transaction mode before a server, for the length of a test; answers the URL of a database there. */
export async function throughPgBouncer(t: TestContext, url: string): Promise<string> {
  if (!existsSync(BINARY)) throw new Error(`these tests need PgBouncer: ${INSTALL}`);
  const target = new URL(url);
  const home = mkdtempSync(join(tmpdir(), "opgrid-pgbouncer-"));
  const port = await freePort();
  writeFileSync(join(home, "users.txt"), '"opgrid" ""\n');
  writeFileSync(
    join(home, "pgbouncer.ini"),
    `[databases]
* = host=127.0.0.1 port=${target.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${home}/users.txt
pool_mode = transaction
default_pool_size = 4
logfile = ${home}/log
`,
  );
  const user = unprivileged();
  if (user.uid !== undefined) chownSync(home, user.uid, user.gid ?? user.uid);
  const child = spawn(BINARY, ["-q", join(home, "pgbouncer.ini")], { ...user, cwd: home, stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  t.after(async () => {
    child.kill("SIGKILL");
    await ended;
    rmSync(home, { recursive: true, force: true });
  });
  target.port = String(port);
  await until(() => answers(target.href), "PgBouncer answers");
  return target.href;
}

async function answers(url: string): Promise<boolean> {
  try {
    await runSql(url, "SELECT 1");
    return true;
  } catch {
    return false;
  }
}
