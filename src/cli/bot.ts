import { hostname } from "node:os";
import { type Command, Option } from "commander";
import { type Config, parseDuration, parseSize } from "../config/config.ts";
import { type BotOptions, botSignals, runBot } from "../worker/worker.ts";
import { type RemoteFlags, remoteOf, withRemoteFlags } from "./client.ts";
import { type CommandContext, withExamples } from "./command.ts";
import { ExitCode } from "./exit-codes.ts";
import { UsageError } from "./failure.ts";
import { createLog } from "./log.ts";
import type { Shell } from "./shell.ts";

interface BotFlags extends RemoteFlags {
  readonly botId?: string;
  readonly directory: string;
  readonly numbered?: true;
  readonly capacity: string;
  readonly property: Readonly<Record<string, readonly string[]>>;
  readonly cacheMaxBytes: string;
  readonly sandbox: "none" | "bubblewrap";
  readonly network?: true;
  readonly grace: string;
  readonly logLevel: Config["log"]["level"];
  readonly logFormat: Config["log"]["format"];
}

function addProperty(text: string, before: BotFlags["property"] = {}): BotFlags["property"] {
  const [, name, value] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new UsageError(`--property: must be NAME=VALUE, not ${text}`);
  return { ...before, [name]: [...(before[name] ?? []), value] };
}

function checked(flag: string, value: number | undefined, text: string, like: string): number {
  if (value === undefined) throw new UsageError(`${flag}: must be ${like}, not ${text}`);
  return value;
}

function optionsOf(flags: BotFlags, shell: Shell): BotOptions {
  const { capacity, cacheMaxBytes, grace, property, sandbox, network, directory, numbered, botId } = flags;
  const { instanceName = "*", ...remote } = remoteOf(flags, shell);
  const slots = /^[1-9]\d{0,3}$/.test(capacity) ? Number(capacity) : undefined;
  return {
    ...remote,
    ...{ instance: instanceName, botId, directory, numbered, sandbox, network, properties: property },
    capacity: checked("--capacity", slots, capacity, "a whole number from 1 to 9999"),
    cacheMaxBytes: checked("--cache-max-bytes", parseSize(cacheMaxBytes), cacheMaxBytes, "a size like 10GiB"),
    graceMs: checked("--grace", parseDuration(grace), grace, "a duration like 30s"),
    clock: shell.clock,
  };
}

async function work(flags: BotFlags, shell: Shell): Promise<number> {
  const log = createLog({ level: flags.logLevel, format: flags.logFormat }, process.stderr.isTTY);
  const options = optionsOf(flags, shell);
  using signals = botSignals();
  const stop = AbortSignal.any([shell.signal, signals.stop]);
  await runBot({ ...options, log, orphaned: signals.orphaned }, stop);
  return ExitCode.OK;
}

/** `opgrid bot`. */
export function addBot(parent: Command, context: CommandContext): void {
  const choice = (flag: string, meaning: string, words: readonly string[], fallback: string) =>
    new Option(flag, meaning).choices(words).default(fallback);
  const command = parent
    .command("bot")
    .summary("run a bot: a worker that executes actions for a server")
    .description(
      "Works for a server until SIGTERM or Ctrl-C, which let actions finish; a second one ends them at once.",
    )
    .option("--bot-id <name>", "stable name of the bot (default: the name of this machine)")
    .option("--directory <path>", "for its cache and its actions; no other bot may use it", ".opgrid/bot")
    .option("--numbered", "use the first free of <directory>/0, /1 ... and append the number to the name")
    .option("--capacity <number>", "actions at a time", "1")
    .option("--property <name=value>", "what it offers beside OSFamily and ISA; may be repeated", addProperty)
    .option("--cache-max-bytes <size>", "room for inputs that it keeps", "10GiB")
    .addOption(choice("--sandbox <kind>", "what shuts actions in", ["none", "bubblewrap"], "none"))
    .option("--network", "let actions in the sandbox reach the network")
    .option("--grace <duration>", "how long actions may run on when the bot is stopped", "30s")
    .addOption(choice("--log-level <level>", "least severe line", ["silent", "error", "warn", "info", "debug"], "info"))
    .addOption(choice("--log-format <format>", "form of the lines", ["auto", "json", "text"], "auto"));
  withRemoteFlags(command, "default *, which is all instances").action(
    context.action(() => work(command.opts<BotFlags>(), context.shell)),
  );
  withExamples(command, "opgrid bot --remote grpc://farm.example.com:50051 --instance-name main --property pool=large");
}

/**
 * The arguments of `opgrid bot` for a bot that a server starts beside itself. `remote`: where the server listens. Servers
 * that share a store may share a machine as well; there a bot is called after the port too, as of two bots with one name
 * each takes the other for its successor.
 */
export function embeddedBotArgs({ bot, log, shutdown, store }: Config, remote: string): string[] {
  const name = store.url === "sqlite" ? [] : ["--bot-id", `${hostname()}-${new URL(remote).port || "80"}`];
  return [
    "bot",
    ...["--remote", remote, "--instance-name", bot.instance],
    ...name,
    ...["--directory", bot.directory, "--numbered"],
    ...["--capacity", String(bot.capacity), "--cache-max-bytes", String(bot.cacheMaxBytes)],
    ...["--sandbox", bot.sandbox, ...(bot.network ? ["--network"] : [])],
    ...["--grace", `${embeddedBotGraceMs({ shutdown })}ms`],
    ...["--log-level", log.level, "--log-format", log.format],
  ];
}

/** How long an embedded bot may go on when the server is stopped. The server needs time to stop after it. */
export function embeddedBotGraceMs({ shutdown }: Pick<Config, "shutdown">): number {
  return Math.floor(shutdown.graceMs / 2);
}
