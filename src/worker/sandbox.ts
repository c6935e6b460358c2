import { execFile } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type CommandLine, DEFAULT_PATH, findProgram } from "./command-line.ts";
import { errorText } from "./status.ts";

/** One action's directories, by their real paths. */
export interface SandboxPlace {
  /** The input root; all that the action may write to, beside `tmp`. */
  readonly root: string;
  /** Becomes /tmp. */
  readonly tmp: string;
  /** Where the command starts, inside the root. */
  readonly cwd: string;
}

/** A command line as the operating system is to run it. */
export interface Wrapped {
  readonly file: string;
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
}

/** What stands between an action and the machine. */
export interface Sandbox {
  wrap(program: string, command: CommandLine, place: SandboxPlace): Wrapped;
}

/** No sandbox: an action has all the rights of the bot. */
export const noSandbox: Sandbox = {
  wrap: (program, { argv, env }) => ({ file: program, argv, env }),
};

/**
 * Makes a sandbox of bubblewrap: the machine's files read-only, the action's root writable, an empty /tmp and /dev, the
 * bot's own directory (`hidden`) out of sight, no capabilities, own pid, ipc, uts, cgroup and, unless `network`, net
 * namespaces. All processes end with the bot or with the action's first process. Throws when bwrap is missing or
 * cannot work here.
 */
export async function createBubblewrap(options: { hidden: string; network: boolean }): Promise<Sandbox> {
  const bwrap = await findProgram({ argv: ["bwrap"], env: { PATH: process.env.PATH ?? DEFAULT_PATH } }, "/");
  if (!bwrap.path) throw new Error("the bubblewrap sandbox needs bwrap (Debian: apt-get install bubblewrap)");
  const sandbox = bubblewrap(bwrap.path, options);
  const place = join(options.hidden, "sandbox-check");
  await mkdir(join(place, "root"), { recursive: true });
  await mkdir(join(place, "tmp"), { recursive: true });
  const check = sandbox.wrap(
    "/bin/true",
    { argv: ["true"], env: {} },
    { root: join(place, "root"), cwd: join(place, "root"), tmp: join(place, "tmp") },
  );
  try {
    await promisify(execFile)(check.file, check.argv.slice(1), { env: {} });
  } catch (error) {
    throw new Error(`the bubblewrap sandbox does not work here: ${errorText(error)}`, { cause: error });
  } finally {
    await rm(place, { recursive: true, force: true });
  }
  return sandbox;
}

function bubblewrap(bwrap: string, { hidden, network }: { hidden: string; network: boolean }): Sandbox {
  const namespaces = network ? ["--unshare-all", "--share-net"] : ["--unshare-all"];
  return {
    wrap: (program, { argv, env }, { root, tmp, cwd }) => ({
      file: bwrap,
      argv: [
        "bwrap",
        ...namespaces,
        ...["--die-with-parent", "--cap-drop", "ALL"],
        ...["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"],
        ...["--bind", tmp, "/tmp", "--tmpfs", hidden, "--bind", root, root, "--remount-ro", hidden],
        ...["--chdir", cwd, "--"],
        ...withExactEnvironment(program, argv, env),
      ],
      env: {},
    }),
  };
}

/** bwrap always sets PWD, so env(1) has the last word; `nice -n 0` keeps it from reading `=` in a program's path. */
function withExactEnvironment(program: string, argv: readonly string[], env: Readonly<Record<string, string>>) {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const guard = program.includes("=") ? ["/usr/bin/nice", "-n", "0"] : [];
  return ["/usr/bin/env", "-i", "--", ...variables, ...guard, program, ...argv.slice(1)];
}
