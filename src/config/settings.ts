import { tree } from "./schema.ts";
import { isLeaf, type Tree } from "./tree.ts";

/** One setting with all of its names. */
export interface Setting {
  /** Keys from the top of the file. */
  readonly path: readonly string[];
  /** The keys joined by dots: how problems and documents name it. */
  readonly key: string;
  /** As `OPGRID_LIMITS_MAX_MESSAGE_BYTES`. */
  readonly env: string;
  /** As `limits-max-message-bytes`; two dashes go in front. */
  readonly flag: string;
  readonly description: string;
  /** What may be written, for people. */
  readonly type: string;
  /** The same in a word. */
  readonly placeholder: string;
  /** As it would stand in a file; undefined when there is none. */
  readonly fallback: unknown;
  /** What may be shown of a value as it stands in a file. */
  readonly shown: (value: unknown) => unknown;
  /** Turns text into what could stand in a file. May throw. */
  readonly fromText: (text: string) => unknown;
}

const PREFIX = "OPGRID_";

function collect(node: Tree, parents: readonly string[]): Setting[] {
  return Object.entries(node).flatMap(([name, child]) => {
    const path = [...parents, name];
    if (!isLeaf(child)) return collect(child, path);
    const env = PREFIX + path.join("_").toUpperCase();
    const flag = child.flag ?? path.join("-").replaceAll("_", "-");
    const { description, type, placeholder, fallback, fromText, shown = (value) => value } = child;
    return [{ path, key: path.join("."), env, flag, description, type, placeholder, fallback, shown, fromText }];
  });
}

/** Every setting, in the order of the reference. */
export const settings: readonly Setting[] = collect(tree, []);

/** Environment variables of the programs that are no settings of the server. */
export const otherVariables = {
  config: "OPGRID_CONFIG",
  remote: "OPGRID_REMOTE",
  instanceName: "OPGRID_INSTANCE_NAME",
  authToken: "OPGRID_AUTH_TOKEN",
} as const;

/** Variables that Kubernetes puts into every container beside a service called `opgrid`. */
const SERVICE_LINK = /^OPGRID_(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

/** True for a variable that claims to be ours and is not. */
export function isUnknownVariable(name: string): boolean {
  if (!name.startsWith(PREFIX) || SERVICE_LINK.test(name)) return false;
  const known: readonly string[] = Object.values(otherVariables);
  return !known.includes(name) && !settings.some((setting) => setting.env === name);
}
