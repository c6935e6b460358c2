import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { codeFromString } from "@connectrpc/connect/protocol-connect";
import { requestMetadataHeader, toolOf } from "../helpers/e2e-actions.ts";
import { type Answer, curl } from "../helpers/e2e-curl.ts";
import { requireEngine } from "../helpers/e2e-engines.ts";
import type { Peer, PeerOperation } from "../helpers/e2e-peer.ts";
import { exercisePeer } from "../helpers/e2e-peer-suite.ts";
import { startOpgrid } from "../helpers/e2e-server.ts";

/** How a call travels: the options of curl for one method. */
type Style = (url: string, message: object) => readonly string[];

interface JsonOperation {
  readonly name: string;
  readonly done?: boolean;
  readonly metadata: { readonly "@type": string; readonly stage: string };
  readonly error?: { readonly code: number };
  readonly response?: { readonly "@type": string };
}

const post: Style = (url, message) => ["-H", "content-type: application/json", "-d", JSON.stringify(message), url];
const get: Style = (url, message) => [
  "--get",
  ...["--data-urlencode", `message=${JSON.stringify(message)}`],
  ...["-d", "encoding=json", "-d", "connect=v1", url],
];

test("curl lists, gets, waits and cancels with JSON over HTTP/1.1", { timeout: 120_000 }, async (t) => {
  if (!requireEngine(t, "curl")) return;
  const server = await startOpgrid(t);
  await exercisePeer(t, server.url, curlPeer(server.url, "1.1", post));
});

test("curl lists, gets, waits and cancels with JSON over cleartext HTTP/2", { timeout: 120_000 }, async (t) => {
  if (!requireEngine(t, "curl")) return;
  const server = await startOpgrid(t);
  await exercisePeer(t, server.url, curlPeer(server.url, "2", post));
});

test("curl lists, gets and waits by Connect GET, and cancels by POST", { timeout: 120_000 }, async (t) => {
  if (!requireEngine(t, "curl")) return;
  const server = await startOpgrid(t);
  await exercisePeer(t, server.url, curlPeer(server.url, "1.1", get));
});

function curlPeer(url: string, protocol: "1.1" | "2", style: Style): Peer {
  const call = async (method: string, message: object, as = style): Promise<Answer> => {
    const answer = await curl(protocol, as(`${url}/google.longrunning.Operations/${method}`, message));
    assert.equal(answer.protocol, protocol);
    assert.equal(answer.headers.get("content-type"), "application/json");
    if (answer.status !== 200) throw refusal(answer);
    return answer;
  };
  const one = async (method: string, message: object) =>
    understood((await call(method, message)).body as unknown as JsonOperation);
  return {
    list: async (filter) => {
      const { operations = [] } = (await call("ListOperations", { name: "main", filter })).body;
      return (operations as JsonOperation[]).map(understood);
    },
    get: (name) => one("GetOperation", { name }),
    wait: (name, timeoutMs) =>
      one("WaitOperation", { name, ...(timeoutMs !== undefined && { timeout: `${timeoutMs / 1000}s` }) }),
    cancel: (name) => call("CancelOperation", { name }, post),
    tool: async (name) => {
      const { headers } = await call("GetOperation", { name });
      return toolOf(Buffer.from(headers.get(`trailer-${requestMetadataHeader}`) ?? "", "base64"));
    },
  };
}

function refusal({ status, body }: Answer): Error {
  const code = codeFromString(String(body.code));
  assert(code !== undefined, `a Connect error has a code: ${status} ${JSON.stringify(body)}`);
  return Object.assign(new Error(`${Code[code]}: ${body.message}`), { code });
}

function understood({ name, done, metadata, error, response }: JsonOperation): PeerOperation {
  return {
    name,
    done: done ?? false,
    metadataType: metadata["@type"],
    stage: metadata.stage,
    responseType: response?.["@type"],
    errorCode: error?.code,
  };
}
