import type { Path } from "./file.ts";
import { quoted } from "./kinds.ts";
import { type FileValues, resolveCas } from "./resolve.ts";

/** A problem that settings make only together; `path` is the one to blame. */
export interface Clash {
  readonly path: Path;
  readonly message: string;
}

/** Room that a message needs beside the blobs in it. */
const MESSAGE_OVERHEAD = 64 * 1024;

type Rule = readonly [broken: boolean, path: Path, message: string];

function broken(...rules: Rule[]): Clash[] {
  return rules.filter(([isBroken]) => isBroken).map(([, path, message]) => ({ path, message }));
}

function tlsClashes(tls: FileValues["tls"] | undefined): Clash[] {
  if (!tls) return [];
  const { cert, key, clientCa, clientAuth, plaintext } = tls;
  const asks = clientAuth !== "none";
  return broken(
    [cert !== undefined && key === undefined, ["tls", "cert"], "needs tls.key"],
    [cert === undefined && key !== undefined, ["tls", "key"], "needs tls.cert"],
    [asks && cert === undefined, ["tls", "client_auth"], "needs tls.cert and tls.key"],
    [asks && clientCa === undefined, ["tls", "client_auth"], "needs tls.client_ca, the authorities to trust"],
    [!asks && clientCa !== undefined, ["tls", "client_ca"], "has no effect while tls.client_auth is none"],
    [plaintext === "refuse" && cert === undefined, ["tls", "plaintext"], "refuse needs tls.cert: nobody could connect"],
  );
}

function storeClashes(store: FileValues["store"] | undefined): Clash[] {
  if (!store) return [];
  const useless = store.directUrl !== undefined && store.url === "sqlite";
  return broken([useless, ["store", "direct_url"], "has no effect while store.url is sqlite"]);
}

type Scope = Partial<Pick<FileValues, "execution" | "cas">>;

function scopeClashes(path: Path, { execution, cas }: Scope, limits: FileValues["limits"] | undefined): Clash[] {
  const room = limits ? limits.maxMessageBytes - MESSAGE_OVERHEAD : Number.POSITIVE_INFINITY;
  return broken(
    [
      execution !== undefined && execution.minPriority > execution.maxPriority,
      [...path, "execution", "min_priority"],
      "must not be larger than max_priority",
    ],
    [
      cas !== undefined && cas.maxBatchBytes > room,
      [...path, "cas", "max_batch_bytes"],
      "must be at least 64KiB smaller than limits.max_message_bytes, because a batch is one message",
    ],
    [
      cas !== undefined && cas.s3.bucket !== "" && cas.grpc.url !== "",
      [...path, "cas", "grpc", "url"],
      "must be empty where cas.s3.bucket is not: the blobs are in one place",
    ],
    ...(cas === undefined ? [] : grpcRules([...path, "cas", "grpc"], cas.grpc)),
  );
}

function grpcRules(path: Path, { url, ca, cert, key, token }: FileValues["cas"]["grpc"]): Rule[] {
  const isPlain = url !== "" && !/^(grpcs|https):/i.test(url);
  return [
    [cert !== undefined && key === undefined, [...path, "cert"], "needs cas.grpc.key"],
    [cert === undefined && key !== undefined, [...path, "key"], "needs cas.grpc.cert"],
    [isPlain && (ca ?? cert) !== undefined, [...path, "url"], "must be grpcs:// for cas.grpc.ca and cas.grpc.cert"],
    [isPlain && token !== undefined, [...path, "url"], "must be grpcs://, or others could read the token on its way"],
  ];
}

function instanceClashes(values: Partial<FileValues>): Clash[] {
  return (values.instances ?? []).flatMap(({ overrides }, index) => {
    const execution = values.execution && overrides.execution && { ...values.execution, ...overrides.execution };
    const cas = values.cas && overrides.cas && resolveCas(values.cas, overrides.cas);
    return scopeClashes(["instances", index], { ...(execution && { execution }), ...(cas && { cas }) }, values.limits);
  });
}

function botClashes({ bots = 0, bot, instances, tls }: Partial<FileValues>): Clash[] {
  const unreachable = bots > 0 && tls?.cert !== undefined && tls.plaintext === "refuse";
  const why =
    "must be 0 when tls.plaintext is refuse, because embedded bots come without TLS; start them by opgrid bot";
  const known = !bot || !instances || bot.instance === "*" || instances.some(({ name }) => name === bot.instance);
  return broken(
    [unreachable, ["bots"], why],
    [!known, ["bot", "instance"], `must be * or the name of an instance, not ${quoted(bot?.instance)}`],
  );
}

/** What does not fit together. Sections that are wrong in themselves are not in `values` and clash with nothing. */
export function findClashes(values: Partial<FileValues>): Clash[] {
  return [
    ...tlsClashes(values.tls),
    ...storeClashes(values.store),
    ...scopeClashes([], values, values.limits),
    ...instanceClashes(values),
    ...botClashes(values),
  ];
}
