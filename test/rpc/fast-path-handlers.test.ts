import assert from "node:assert/strict";
import { once } from "node:events";
import { constants } from "node:http2";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createServiceImplSpec, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus as Status,
} from "../../gen/grpc/health/v1/health_pb.ts";
import { systemClock } from "../../src/base/clock.ts";
import { Code, StatusError } from "../../src/base/errors.ts";
import { createFastPath } from "../../src/rpc/fast-path/fast-path.ts";
import { drainInterceptor } from "../../src/rpc/interceptors/drain.ts";
import { errorsInterceptor } from "../../src/rpc/interceptors/errors.ts";
import { logInterceptor } from "../../src/rpc/interceptors/log.ts";
import { createInvoke } from "../../src/rpc/invoke.ts";
import { createInvokeStream } from "../../src/rpc/invoke-stream.ts";
import { http2Session } from "../server/clients.ts";
import { recordingLog, startPort, until } from "../server/port.ts";
import { exchange, message, pathOf, type RawAnswer, rawCall } from "./raw-call.ts";

type Check = ServiceImpl<typeof Health>["check"];
type Watch = ServiceImpl<typeof Health>["watch"];

const method = Health.method.check;
const WATCH = pathOf(Health.method.watch);
const ways = { "the fast path": true, Connect: false };
const serving = { status: Status.SERVING };
/** The words of Node, which names the method as well, and ours. */
const INVALID_VALUE = /(Headers\.set: )?\\"[^"]*\\" is an invalid header value/g;
const REQUEST_ID = /[0-9a-f]{8}-[0-9a-f-]{27}/g;

/** A port whose Health service has the given methods, answered by one of the ways. */
async function startWay(t: TestContext, health: Partial<ServiceImpl<typeof Health>>, fast: boolean) {
  const log = recordingLog();
  const drain = new AbortController();
  let fastCalls = 0;
  const specs = Object.values(createServiceImplSpec(Health, health).methods).filter(
    (spec) => spec.kind === "unary" || spec.kind === "server_streaming",
  );
  const instances = { names: [], resolve: () => assert.fail("Health has no instances") };
  const around = { instances, log, draining: drain.signal, exempt: [] };
  const [invoke, invokeStream] = [createInvoke(around), createInvokeStream(around)];
  const port = await startPort(
    t,
    { health },
    {
      drain,
      drainMs: 5000,
      interceptors: [logInterceptor(log), errorsInterceptor(log), drainInterceptor(drain.signal)],
      fastPath: fast
        ? (port) => {
            const answer = createFastPath({ specs, invoke, invokeStream, port, clock: systemClock, log });
            return (stream, headers) => {
              const taken = answer(stream, headers);
              fastCalls += Number(taken);
              return taken;
            };
          }
        : undefined,
    },
  );
  return { port, log, session: http2Session(t, port.url), fastCalls: () => fastCalls };
}

/** An answer, and what was logged of the call, without what differs from call to call. */
async function normalised(way: Awaited<ReturnType<typeof startWay>>, answer: RawAnswer) {
  await until("the call is logged", () => way.log.lines.some((line) => line.message.startsWith("call")));
  const text = JSON.stringify({
    answer: { ...answer, trailers: { ...answer.trailers, "grpc-status-details-bin": undefined } },
    details: Buffer.from(String(answer.trailers["grpc-status-details-bin"]), "base64").toString("latin1"),
    lines: way.log.lines.splice(0).map(({ level, message, fields }) => ({
      ...{ level, message },
      fields: { ...fields, ms: undefined, err: String(fields.err) },
    })),
  });
  return JSON.parse(text.replace(REQUEST_ID, "<id>").replace(INVALID_VALUE, "invalid"));
}

/** Handlers that do all that a handler may do, each with what a client sends besides. */
const handlers: Record<string, { check: Check; headers?: Record<string, string> }> = {
  "answers with headers and trailers": {
    check: (_request, { responseHeader, responseTrailer }) => {
      responseHeader.set("X-Header", "a");
      responseHeader.append("x-header", " b ");
      responseHeader.set("x-header-bin", Buffer.from([0, 255]).toString("base64"));
      responseTrailer.set("x-Trailer", "é");
      responseTrailer.append("x-trailer", "c");
      responseTrailer.set("x-gone", "d");
      responseTrailer.delete("X-Gone");
      responseTrailer.set("x-has", String([responseTrailer.has("x-gone"), responseTrailer.get("grpc-status")]));
      return serving;
    },
  },
  "answers with a header that cannot be": {
    check: (_request, { responseHeader }) => {
      responseHeader.set("x-header", "a\r\nb");
      return serving;
    },
  },
  "fails after it has set trailers": {
    check: (_request, { responseHeader, responseTrailer }) => {
      responseHeader.set("x-header", "a");
      responseTrailer.set("x-trailer", "b");
      throw new StatusError("100% no: grün\n", Code.FailedPrecondition);
    },
  },
  "fails with details and metadata": {
    check: async () => {
      const value = { reason: "BECAUSE", domain: "test" };
      const metadata = { "x-why": "it must", "content-type": "text/plain" };
      throw new StatusError("no", Code.Aborted, metadata, [{ desc: ErrorInfoSchema, value }]);
    },
  },
  "has a bug": {
    check: () => {
      throw new Error("the password is 1234");
    },
  },
  "throws what is no error": {
    check: () => {
      throw "a word";
    },
  },
  "answers what is no message": { check: () => ({ status: "serving" }) as never },
  "says what it knows of its call": {
    check: (request, context) => {
      const { requestMethod, protocolName, service, method, requestHeader, url } = context;
      const port = /\d{4,}/g;
      const known = {
        ...{ request, requestMethod, protocolName, service: service.typeName, method: method.name },
        ...{
          headers: [...requestHeader].map(String),
          url,
          timeout: context.timeoutMs(),
          aborted: context.signal.aborted,
        },
      };
      throw new StatusError(JSON.stringify(known).replace(port, "<port>"), Code.NotFound);
    },
    headers: { "x-request-bin": "AAAA", "x-text": "a, b", authorization: "Bearer x" },
  },
  "waits until its deadline": {
    check: (_request, context) => untilAborted(context),
    headers: { "grpc-timeout": "50m" },
  },
  "is called after its deadline": {
    check: (_request, context) => {
      context.signal.throwIfAborted();
      return serving;
    },
    headers: { "grpc-timeout": "0m" },
  },
  "does not look at its deadline": {
    check: async () => {
      await delay(30);
      return serving;
    },
    headers: { "grpc-timeout": "10m" },
  },
};

/** The same for handlers that stream. */
const streams: Record<string, { watch: Watch; headers?: Record<string, string> }> = {
  "answers nothing": {
    // biome-ignore lint/correctness/useYield: that is what it is about
    async *watch(_request, { responseHeader, responseTrailer }) {
      responseHeader.set("x-header", "a");
      responseTrailer.set("x-trailer", "b");
    },
  },
  "answers with many messages, headers before the first and trailers after the last": {
    async *watch(_request, { responseHeader, responseTrailer }) {
      responseHeader.set("x-header", "a");
      for (let i = 0; i < 100; i++) yield i % 2 ? serving : { status: Status.NOT_SERVING };
      responseTrailer.set("x-trailer", "b");
    },
  },
  "sets headers too late": {
    async *watch(_request, { responseHeader }) {
      yield serving;
      responseHeader.set("x-header", "a");
      yield serving;
    },
  },
  "fails before its first message": {
    // biome-ignore lint/correctness/useYield: it comes to none
    async *watch(_request, { responseTrailer }) {
      responseTrailer.set("x-trailer", "b");
      throw new StatusError("no", Code.NotFound);
    },
  },
  "fails after some messages": {
    async *watch() {
      yield serving;
      yield serving;
      throw new StatusError("no more: grün", Code.Aborted);
    },
  },
  "has a bug after a message": {
    async *watch() {
      yield serving;
      throw new TypeError("the password is 1234");
    },
  },
  "answers what is no message": {
    async *watch() {
      yield { status: "serving" as never };
    },
  },
  "throws before it streams": {
    watch: () => {
      throw new StatusError("at once", Code.FailedPrecondition);
    },
  },
  "waits until its deadline after a message": {
    async *watch(_request, context) {
      yield serving;
      await untilAborted(context);
    },
    headers: { "grpc-timeout": "50m" },
  },
  "ends by itself when its deadline passes": {
    async *watch(_request, context) {
      yield serving;
      await untilAborted(context).catch(() => {});
    },
    headers: { "grpc-timeout": "50m" },
  },
};

function untilAborted({ signal }: HandlerContext): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

for (const [title, { check, headers = {} }] of Object.entries(handlers)) {
  test(`a handler that ${title} is answered the same way by both`, async (t) => {
    const answers = [];
    for (const fast of Object.values(ways)) {
      const way = await startWay(t, { check }, fast);
      const answer = await exchange(way.session, rawCall(method, { service: "ü" }, headers));
      assert.equal(way.fastCalls(), Number(fast));
      answers.push(await normalised(way, answer));
      way.session.destroy();
    }
    assert.deepEqual(answers[0], answers[1]);
  });
}

for (const [title, { watch, headers = {} }] of Object.entries(streams)) {
  test(`a streaming handler that ${title} is answered the same way by both`, async (t) => {
    const answers = [];
    for (const fast of Object.values(ways)) {
      const way = await startWay(t, { watch }, fast);
      const answer = await exchange(way.session, rawCall(Health.method.watch, { service: "ü" }, headers));
      assert.equal(way.fastCalls(), Number(fast));
      answers.push(await normalised(way, answer));
      way.session.destroy();
    }
    assert.deepEqual(answers[0], answers[1]);
  });
}

for (const [name, fast] of Object.entries(ways)) {
  test(`a streaming handler ends when its client goes, wherever it is, by ${name}`, async (t) => {
    for (const waiting of [true, false]) {
      const began = Promise.withResolvers<void>();
      const ended = Promise.withResolvers<void>();
      const watch: Watch = async function* (_request, context) {
        try {
          yield serving;
          began.resolve();
          if (waiting) await untilAborted(context);
          // A client that does not read lets nobody come to an end.
          for (;;) yield serving;
        } finally {
          ended.resolve();
        }
      };
      const { session } = await startWay(t, { watch }, fast);
      const stream = session.request({ ":method": "POST", ":path": WATCH, "content-type": "application/grpc" });
      stream.on("error", () => {}).end(message(HealthCheckRequestSchema, { service: "" }));
      await began.promise;
      if (!waiting) await delay(20);
      stream.close(constants.NGHTTP2_CANCEL);
      await ended.promise;
      session.destroy();
    }
  });

  const call = message(HealthCheckRequestSchema, { service: "" });
  const request = { ":method": "POST", ":path": pathOf(method), "content-type": "application/grpc" };

  test(`a handler hears of it when its client resets the call, by ${name}`, async (t) => {
    const began = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    const check: Check = (_request, context) => {
      began.resolve();
      return untilAborted(context).finally(aborted.resolve);
    };
    const { session, log } = await startWay(t, { check }, fast);
    const stream = session.request(request).on("error", () => {});
    stream.end(call);
    await began.promise;
    stream.close(constants.NGHTTP2_CANCEL);
    await aborted.promise;
    await until("the call is logged", () => log.lines.length > 0);
    assert.deepEqual(
      log.lines.map(({ level, fields }) => [level, fields.code]),
      [["debug", "Canceled"]],
    );
  });

  test(`a handler hears of it when its connection breaks, and what it answers then is dropped, by ${name}`, async (t) => {
    const began = Promise.withResolvers<void>();
    const check: Check = async (_request, context) => {
      began.resolve();
      await untilAborted(context).catch(() => {});
      context.responseTrailer.set("x-late", "1");
      return serving;
    };
    const { session, log, port } = await startWay(t, { check }, fast);
    session
      .request(request)
      .on("error", () => {})
      .end(call);
    await began.promise;
    session.destroy();
    await until("the call is logged", () => log.lines.length > 0);
    await until("the connection is gone", () => port.connections().sockets === 0);
    const other = http2Session(t, port.url);
    const late = exchange(other, rawCall(method, {}));
    await delay(5);
    other.destroy();
    await late;
  });

  test(`a request that its client does not complete is not begun, by ${name}`, async (t) => {
    let begun = 0;
    const check: Check = () => {
      begun++;
      return serving;
    };
    const { session, log, port } = await startWay(t, { check }, fast);
    await exchange(session, rawCall(method, {}));
    for (const part of [call.subarray(0, 3), call]) {
      // Closing the stream would end the request as well.
      const leaving = http2Session(t, port.url);
      leaving
        .request(request)
        .on("error", () => {})
        .write(part);
      await delay(10);
      leaving.destroy();
      await until("the connection is gone", () => port.connections().sockets === 1);
    }
    assert.equal(begun, 1, "the complete one before");
    assert.deepEqual(
      log.lines.filter(({ level }) => level !== "debug"),
      [],
    );
  });

  test(`a call in flight ends well while the server drains, and another is refused, by ${name}`, async (t) => {
    const began = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const check: Check = async (_request, context) => {
      began.resolve();
      await gate.promise;
      assert.equal(context.signal.aborted, false);
      return serving;
    };
    const { session, port } = await startWay(t, { check }, fast);
    const inFlight = exchange(session, rawCall(method, {}));
    const open = session.request(request);
    open.on("error", () => {}).on("data", () => {});
    const trailers = once(open, "trailers");
    await began.promise;
    const close = port.close();
    open.end(call);
    const [refused] = await trailers;
    assert.deepEqual([refused["grpc-status"], refused["grpc-message"]], ["14", "the server is shutting down"]);
    assert.equal(typeof refused["grpc-status-details-bin"], "string");
    gate.resolve();
    const { trailers: ended, body } = await inFlight;
    assert.equal(ended["grpc-status"], "0");
    assert.equal(body, message(Health.method.check.output, serving).toString("latin1"));
    await close;
  });
}
