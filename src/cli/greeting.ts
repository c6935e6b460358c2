import { shellQuote } from "../base/shell-quote.ts";
import type { Config } from "../config/config.ts";

const DEFAULT_PORT_URL = "http://127.0.0.1:50051";

/** An address that a client on this machine can use for a server that listens on all. */
export function reachable(url: string): string {
  return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** What the server says when it is ready: one line, and where to go on. */
export function greeting(config: Config, url: string, self: string): string {
  const names = config.instances.map(({ name }) => JSON.stringify(name)).join(", ");
  const remote = reachable(url);
  const instance = (config.instances.find(({ name }) => name !== "") ?? config.instances[0])?.name ?? "";
  const list = [
    `${self} operation list`,
    ...(remote === DEFAULT_PORT_URL ? [] : [`--remote ${remote}`]),
    ...(instance === "" ? [] : [`--instance-name ${shellQuote(instance)}`]),
  ];
  const build = [
    `bazel build //... --remote_executor=${remote.replace(/^http/, "grpc")}`,
    ...(instance === "" ? [] : [`--remote_instance_name=${shellQuote(instance)}`]),
  ];
  return (
    `opgrid is serving on ${url} (instances ${names}; ${plural(config.bots, "bot")}; data in ${config.dataDir})\n` +
    (config.dashboard ? `  look at it:          ${remote}/\n` : "") +
    `  build through it:    ${build.join(" ")}\n` +
    `  see its operations:  ${list.join(" ")}\n`
  );
}
