import assert from "node:assert/strict";
import { once } from "node:events";
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { renewStreamTable } from "../../src/server/stream-table.ts";

const MANY = 2500;
const AT_ONCE = 50;

interface Pair {
  readonly client: ClientHttp2Session;
  readonly renewed: boolean;
  /** The stream of `/open`, which is not answered. */
  readonly open: Promise<ServerHttp2Stream>;
}

async function startPair(t: TestContext): Promise<Pair> {
  const server = createServer();
  const sessions: ServerHttp2Session[] = [];
  const { promise: open, resolve } = Promise.withResolvers<ServerHttp2Stream>();
  let renewed = false;
  server.on("session", (session) => {
    sessions.push(session);
    renewed = renewStreamTable(session);
  });
  server.on("stream", (stream: ServerHttp2Stream, headers) => {
    if (headers[":path"] === "/open") resolve(stream);
    else stream.respond({ ":status": 200 }, { endStream: true });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  t.after(async () => {
    client.destroy();
    for (const session of sessions) session.destroy();
    await new Promise((done) => server.close(done));
  });
  await once(client, "remoteSettings");
  return { client, renewed, open };
}

async function statusOf(client: ClientHttp2Session, path: string): Promise<unknown> {
  const stream = client.request({ ":path": path });
  const [[headers]] = await Promise.all([once(stream, "response"), once(stream.resume(), "close")]);
  return headers[":status"];
}

test("a stream stays open while the table of its session is renewed, and a close waits for it", async (t) => {
  const { client, renewed, open } = await startPair(t);
  assert.equal(renewed, true, "this Node.js keeps its streams where they are looked for");
  const answer = statusOf(client, "/open");
  const stream = await open;
  for (let call = 0; call < MANY; call += AT_ONCE) {
    const statuses = await Promise.all(Array.from({ length: AT_ONCE }, () => statusOf(client, "/")));
    assert.deepEqual(new Set(statuses), new Set([200]));
  }
  const { session } = stream;
  const closed = new Promise<void>((resolve) => session?.close(resolve));
  await new Promise((done) => setImmediate(done));
  assert.equal(session?.destroyed, false);
  stream.respond({ ":status": 204 }, { endStream: true });
  assert.equal(await answer, 204);
  await closed;
});

test("the streams of a renewed table end with their session", async (t) => {
  const { client, open } = await startPair(t);
  const answer = client.request({ ":path": "/open" }).on("error", () => {});
  const stream = await open;
  for (let call = 0; call < MANY; call += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, () => statusOf(client, "/")));
  }
  const gone = once(stream, "close");
  stream.session?.destroy();
  await Promise.all([gone, once(answer, "close")]);
});

test("a session whose state is another is left alone", () => {
  const strange = { [Symbol("state")]: { streams: [] } };
  assert.equal(renewStreamTable(strange as unknown as ServerHttp2Session), false);
  assert.equal(renewStreamTable({} as ServerHttp2Session), false);
});
