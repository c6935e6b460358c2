import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import type { ServiceError } from "@grpc/grpc-js";
import { ByteStream } from "../../gen/google/bytestream/bytestream_pb.ts";
import { RequestInfoSchema, ResourceInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from "../../gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { notFound } from "../../src/base/errors.ts";
import { toStatusError } from "../../src/rpc/interceptors/errors.ts";
import { deserializer, dialects, grpcJsClient, serializer, transportOf } from "./clients.ts";
import { recordingLog, startPort, type TestPort, type TestServices, until } from "./port.ts";

class SecretError extends Error {}

const buggy: TestServices = {
  health: {
    check() {
      throw new SecretError("the password is 1234");
    },
    async *watch() {
      yield { status: Status.SERVING };
      throw new SecretError("the password is 1234");
    },
  },
  byteStream: {
    async write(messages) {
      for await (const _ of messages) throw new SecretError("the password is 1234");
      return {};
    },
  },
  reflection: {
    async *serverReflectionInfo(messages) {
      for await (const message of messages) {
        yield { validHost: message.host };
        throw new SecretError("the password is 1234");
      }
    },
  },
};

async function failure(promise: Promise<unknown>): Promise<ConnectError> {
  const error = await promise.then(
    () => assert.fail("the call succeeded"),
    (error: unknown) => error,
  );
  assert.ok(error instanceof ConnectError);
  return error;
}

async function last<T>(messages: AsyncIterable<T>): Promise<void> {
  let count = 0;
  for await (const _ of messages) count++;
  assert.fail(`the stream ended well after ${count} messages`);
}

/** Takes the one error line out of the log and checks that it and the client tell of the same thing. */
function assertReported(port: TestPort, error: ConnectError, method: string): void {
  assert.equal(error.code, Code.Internal);
  assert.doesNotMatch(error.message, /password/);
  const requestId = error.findDetails(RequestInfoSchema)[0]?.requestId;
  assert.ok(requestId && error.message.includes(requestId));
  const lines = port.log.lines.splice(0).filter((line) => line.level === "error");
  assert.equal(lines.length, 1);
  assert.deepEqual([lines[0]?.fields.method, lines[0]?.fields.requestId], [method, requestId]);
  const err = lines[0]?.fields.err;
  assert.ok(err instanceof SecretError);
  assert.match(err.stack ?? "", /errors\.test\.ts/);
}

async function* two<T>(message: T) {
  yield message;
  yield message;
}

for (const dialect of dialects) {
  test(`answers a bug with INTERNAL and the request id of its log line by ${dialect.protocol} over HTTP/${dialect.httpVersion}`, async (t) => {
    const port = await startPort(t, buggy);
    const transport = transportOf(t, port.url, dialect);
    const health = createClient(Health, transport);
    assertReported(port, await failure(health.check({})), "/grpc.health.v1.Health/Check");
    assertReported(port, await failure(last(health.watch({}))), "/grpc.health.v1.Health/Watch");
    const upload = createClient(ByteStream, transport).write(two({ data: new Uint8Array(1) }));
    assertReported(port, await failure(upload), "/google.bytestream.ByteStream/Write");
    if (dialect.httpVersion === "1.1") return;
    const talk = createClient(ServerReflection, transport).serverReflectionInfo(two({ host: "a" }));
    assertReported(port, await failure(last(talk)), "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo");
  });

  test(`carries the details of an error to the client by ${dialect.protocol} over HTTP/${dialect.httpVersion}`, async (t) => {
    const port = await startPort(t, {
      health: {
        check() {
          throw notFound("operation", "main/größe %41 100%");
        },
        async *watch() {
          yield {};
          throw notFound("operation", "main/größe %41 100%");
        },
      },
    });
    const health = createClient(Health, transportOf(t, port.url, dialect));
    for (const error of [await failure(health.check({})), await failure(last(health.watch({})))]) {
      assert.deepEqual([error.code, error.rawMessage], [Code.NotFound, "operation not found: main/größe %41 100%"]);
      assert.equal(error.findDetails(ResourceInfoSchema)[0]?.resourceName, "main/größe %41 100%");
    }
  });
}

test("carries the details of an error to @grpc/grpc-js", async (t) => {
  const port = await startPort(t, {
    health: {
      check() {
        throw notFound("operation", "main/größe %41 100%");
      },
    },
  });
  const error = await new Promise<ServiceError | null>((resolve) => {
    grpcJsClient(t, port.port).makeUnaryRequest(
      "/grpc.health.v1.Health/Check",
      serializer(HealthCheckRequestSchema),
      deserializer(HealthCheckResponseSchema),
      create(HealthCheckRequestSchema),
      resolve,
    );
  });
  assert.deepEqual([error?.code, error?.details], [Code.NotFound, "operation not found: main/größe %41 100%"]);
  const status = fromBinary(StatusSchema, error?.metadata.get("grpc-status-details-bin")[0] as Buffer);
  assert.deepEqual([status.code, status.details[0]?.typeUrl], [5, "type.googleapis.com/google.rpc.ResourceInfo"]);
});

test("says nothing of an abort that the client caused itself, in the middle of a stream", async (t) => {
  const port = await startPort(t, {
    health: {
      async *watch(_request, { signal }) {
        yield { status: Status.SERVING };
        await new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
        });
      },
    },
  });
  for (const dialect of dialects) {
    const stop = new AbortController();
    const stream = createClient(Health, transportOf(t, port.url, dialect)).watch({}, { signal: stop.signal });
    const messages = stream[Symbol.asyncIterator]();
    await messages.next();
    stop.abort();
    assert.equal((await failure(messages.next())).code, Code.Canceled);
    await until("the handler has ended", () => port.running() === 0);
  }
  assert.deepEqual(
    port.log.lines.filter((line) => line.level !== "debug"),
    [],
  );
});

const call = (reason?: unknown) => ({
  method: "/s/M",
  signal: reason === undefined ? new AbortController().signal : AbortSignal.abort(reason),
});

test("passes a status on unchanged, whether or not the call was aborted", () => {
  const status = notFound("blob", "x");
  const log = recordingLog();
  assert.equal(toStatusError(status, call(), log), status);
  assert.equal(toStatusError(status, call(new Error("gone")), log), status);
  assert.deepEqual(log.lines, []);
});

test("turns the echo of an abort into CANCELLED, or into the deadline's own status", () => {
  const log = recordingLog();
  const reset = Object.assign(new Error("aborted"), { code: "ECONNRESET" });
  const deadline = new ConnectError("the operation timed out", Code.DeadlineExceeded);
  const hangup = new ConnectError("aborted", Code.Aborted);
  const abort = new DOMException("x", "AbortError");
  for (const [error, reason, code] of [
    [reset, reset, Code.Canceled],
    [abort, hangup, Code.Canceled],
    [hangup, hangup, Code.Canceled],
    [reset, new DOMException("x", "AbortError"), Code.Canceled],
    [abort, deadline, Code.DeadlineExceeded],
    [deadline, deadline, Code.DeadlineExceeded],
  ]) {
    assert.equal(toStatusError(error, call(reason), log).code, code);
  }
  assert.deepEqual(log.lines, []);
});

test("takes a lost connection for a bug when it is not the client's", () => {
  const log = recordingLog();
  const reset = Object.assign(new Error("database gone"), { code: "ECONNRESET" });
  assert.equal(toStatusError(reset, call(), log).code, Code.Internal);
  assert.equal(toStatusError(new DOMException("x", "AbortError"), call(), log).code, Code.Internal);
  assert.equal(toStatusError(new TypeError("x"), call(new Error("gone")), log).code, Code.Internal);
  assert.equal(log.lines.length, 3);
});

test("reports thrown things that are not even errors", () => {
  const log = recordingLog();
  for (const thrown of [undefined, null, "text", 7, Object.create(null), { toString: () => assert.fail() }]) {
    assert.equal(toStatusError(thrown, call(), log).code, Code.Internal);
  }
  assert.ok(log.lines.every((line) => line.fields.err instanceof Error));
});
