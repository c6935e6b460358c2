import type { Command } from "commander";
import type { App } from "../app.ts";
import type { Logger } from "../base/log.ts";
import { type Config, type ConfigInputs, loadConfig, printConfig } from "../config/config.ts";
import { type BotPool, startBotPool } from "../worker/worker.ts";
import { embeddedBotArgs, embeddedBotGraceMs } from "./bot.ts";
import { botEnvironment } from "./bot-environment.ts";
import { type CommandContext, withExamples } from "./command.ts";
import { inputsOf, withSettings } from "./config-flags.ts";
import { ExitCode } from "./exit-codes.ts";
import { greeting, reachable } from "./greeting.ts";
import { createLog } from "./log.ts";
import type { Shell } from "./shell.ts";
import { version } from "./version.ts";

const LISTEN_ERRORS: Readonly<Record<string, string>> = {
  EADDRINUSE: "is in use by another program; --listen chooses another address",
  EACCES: "is not allowed to this user; ports below 1024 often are not",
  EADDRNOTAVAIL: "is no address of this machine",
  ENOTFOUND: "is a host name that nobody knows",
};

/** What a failed start says in one line. */
function startError(error: unknown, { listen }: Config): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  const why = LISTEN_ERRORS[code ?? ""];
  if (why === undefined || !["listen", "bind", "getaddrinfo"].includes(syscall ?? "")) return error;
  return new Error(`${listen.host}:${listen.port} ${why}`, { cause: error });
}

function stopped({ signal }: Shell): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

async function start(config: Config, log: Logger, shell: Shell): Promise<App> {
  // The other commands would load the whole server otherwise.
  const { createApp } = await import("../app.ts");
  try {
    return await createApp(config, { log, version: version(), clock: shell.clock });
  } catch (error) {
    throw startError(error, config);
  }
}

function startBots(config: Config, url: string, log: Logger, { clock, env }: Shell): BotPool {
  const remote = `http://${new URL(reachable(url)).host}`;
  const args = embeddedBotArgs(config, remote);
  const graceMs = embeddedBotGraceMs(config);
  return startBotPool({ count: config.bots, args: () => args, env: botEnvironment(env), graceMs, clock, log });
}

/** Runs a server until it is told to stop, then lets it finish: the bots first, which report to it. */
async function serve(inputs: ConfigInputs, shell: Shell): Promise<number> {
  const config = loadConfig(inputs);
  const log = createLog(config.log, process.stderr.isTTY);
  await using app = await start(config, log, shell);
  await using _bots = startBots(config, app.url, log, shell);
  shell.out(greeting(config, app.url, shell.self));
  await stopped(shell);
  return ExitCode.OK;
}

/** `opgrid serve`. */
export function addServe(parent: Command, context: CommandContext): void {
  const { shell } = context;
  const command = parent
    .command("serve")
    .summary("run a server, with bots of its own unless told otherwise")
    .description("Runs a server until SIGTERM or Ctrl-C, which let calls finish; a second one ends it at once.")
    .option("--print-config", "print the settings that hold, with their sources, and do nothing else");
  withSettings(command);
  command.action(
    context.action(async () => {
      const inputs = inputsOf(command, shell);
      if (!command.opts().printConfig) return serve(inputs, shell);
      shell.out(printConfig(inputs));
      return ExitCode.OK;
    }),
  );
  withExamples(
    command,
    "opgrid serve",
    "opgrid serve --config opgrid.yaml --listen 0.0.0.0:50051 --bots 8",
    "opgrid serve --instances main,release/linux --print-config",
  );
}
