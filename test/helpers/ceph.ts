import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { eventually } from "./e2e-processes.ts";

const run = promisify(execFile);

/** Credentials of the user that owns the buckets. */
export const credentials = { accessKeyId: "OPGRIDTESTS", secretAccessKey: "a secret of the tests" } as const;

/** A real S3 server: Ceph's object gateway on a Ceph cluster of one, in memory. */
export interface S3Server extends AsyncDisposable {
  readonly endpoint: string;
  readonly port: number;
  /** A client with the owner's credentials. */
  readonly client: S3Client;
  /** Makes an empty bucket with a name of its own. */
  createBucket(): Promise<string>;
  /** Sends the gateway a signal: SIGSTOP makes it hang, SIGCONT go on. */
  signal(signal: NodeJS.Signals): void;
  /** Ends the gateway with SIGKILL; what was stored stays. */
  kill(): Promise<void>;
  /** Starts it again on the same port. */
  restart(): Promise<void>;
}

/** Starts the S3 server, in about a second; dispose of it to end its processes and remove its directory. */
export async function startS3(): Promise<S3Server> {
  const directory = await mkdtemp(join(tmpdir(), "opgrid-ceph-"));
  const processes = new Set<ChildProcess>();
  const env = environment({ CEPH_CONF: join(directory, "ceph.conf") });

  const tool = async (command: string, ...args: string[]) => await run(command, args, { env, timeout: 30_000 });
  const daemon = (command: string, ...args: string[]): ChildProcess => {
    const output = openSync(join(directory, `${command}.out`), "a");
    const child = spawn(command, [...args, "-f"], { env, stdio: ["ignore", output, output] });
    closeSync(output);
    processes.add(child);
    child.once("exit", () => processes.delete(child));
    return child;
  };
  const end = async () => {
    for (const child of [...processes].reverse()) await kill(child);
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  };

  try {
    const [monitorPort, port] = [await freePort(), await freePort()];
    await startCluster(directory, { monitorPort, port, tool, daemon });
    const endpoint = `http://127.0.0.1:${port}`;
    let gateway: ChildProcess;
    const start = async () => {
      gateway = daemon("radosgw", "-n", "client.rgw");
      await eventually("the S3 server answers", 30_000, async () => (await fetch(endpoint)).ok);
    };
    await start();
    const { accessKeyId, secretAccessKey } = credentials;
    const keys = [`--access-key=${accessKeyId}`, `--secret-key=${secretAccessKey}`];
    await tool("radosgw-admin", "user", "create", "--uid=tests", "--display-name=tests", ...keys);
    const client = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true, credentials });
    return {
      endpoint,
      port,
      client,
      createBucket: async () => {
        const Bucket = `blobs-${randomUUID()}`;
        await client.send(new CreateBucketCommand({ Bucket }));
        return Bucket;
      },
      signal: (signal) => assert(gateway.kill(signal)),
      kill: () => kill(gateway),
      restart: start,
      [Symbol.asyncDispose]: async () => {
        client.destroy();
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

interface ClusterDeps {
  readonly monitorPort: number;
  readonly port: number;
  readonly tool: (command: string, ...args: string[]) => Promise<unknown>;
  readonly daemon: (command: string, ...args: string[]) => ChildProcess;
}

/** One monitor and one daemon that keeps objects in memory. */
async function startCluster(directory: string, { monitorPort, port, tool, daemon }: ClusterDeps): Promise<void> {
  const [fsid, osd, keyring] = [randomUUID(), randomUUID(), join(directory, "keyring")];
  for (const name of ["mon", "osd", "run"]) await mkdir(join(directory, name));
  await writeFile(join(directory, "ceph.conf"), configuration({ directory, fsid, monitorPort, port }));
  const monitorMap = join(directory, "monmap");
  await tool("monmaptool", "--create", "--fsid", fsid, "--addv", "a", `[v2:127.0.0.1:${monitorPort}/0]`, monitorMap);
  await tool("ceph-authtool", "--create-keyring", keyring, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *");
  for (const name of ["client.admin", "osd.0", "client.rgw"]) {
    const all = ["mon", "osd", "mgr"].flatMap((service) => ["--cap", service, "allow *"]);
    await tool("ceph-authtool", keyring, "--gen-key", "-n", name, ...all);
  }
  await tool("ceph-mon", "--mkfs", "-i", "a", "--monmap", monitorMap, "--keyring", keyring);
  daemon("ceph-mon", "-i", "a");
  await tool("ceph", "osd", "new", osd);
  await tool("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd);
  daemon("ceph-osd", "-i", "0");
}

/** Quick, because it may lose everything: one copy in memory, and a monitor that does not wait for more to say. */
function configuration(where: { directory: string; fsid: string; monitorPort: number; port: number }): string {
  const { directory, fsid, monitorPort, port } = where;
  return `[global]
fsid = ${fsid}
mon host = [v2:127.0.0.1:${monitorPort}/0]
mon initial members = a
mon data = ${directory}/mon
osd data = ${directory}/osd
keyring = ${directory}/keyring
run dir = ${directory}/run
admin socket = ${directory}/run/$name.asok
log file = ${directory}/$name.log
ms bind msgr1 = false
public addr = 127.0.0.1
cluster addr = 127.0.0.1
osd objectstore = memstore
memstore device bytes = 4294967296
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd class load list = *
osd class default list = *
osd heartbeat interval = 1
osd client watch timeout = 2
mon allow pool size one = true
mon max pg per osd = 10000
mon tick interval = 1
mon data avail crit = 1
mon data avail warn = 1
paxos propose interval = 0.02
paxos min wait = 0.01
rgw frontends = beast endpoint=127.0.0.1:${port}
rgw thread pool size = 64
rgw enable gc threads = false
rgw enable lc threads = false
rgw run sync thread = false
rgw dynamic resharding = false
`;
}

/** The daemons are in directories for administrators, which a user's PATH may lack. */
function environment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return { ...process.env, PATH: [process.env.PATH, "/usr/sbin", "/sbin"].join(delimiter), ...more };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert(typeof address === "object" && address !== null);
  server.close();
  await once(server, "close");
  return address.port;
}
