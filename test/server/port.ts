import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createRegistry } from "@bufbuild/protobuf";
import { createServiceImplSpec, type Interceptor, type MethodImplSpec, type ServiceImpl } from "@connectrpc/connect";
import { ByteStream, file_google_bytestream_bytestream } from "../../gen/google/bytestream/bytestream_pb.ts";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { systemClock } from "../../src/base/clock.ts";
import type { Logger } from "../../src/base/log.ts";
import { createReadiness } from "../../src/base/readiness.ts";
import { createFastPath } from "../../src/rpc/fast-path/fast-path.ts";
import { drainInterceptor } from "../../src/rpc/interceptors/drain.ts";
import { errorsInterceptor } from "../../src/rpc/interceptors/errors.ts";
import { createInvoke, type UnarySpec } from "../../src/rpc/invoke.ts";
import { createInvokeStream, type StreamSpec } from "../../src/rpc/invoke-stream.ts";
import { createServer, type Server, type ServerLimits, type ServerOptions } from "../../src/server/server.ts";
import { testFastPath } from "../helpers/fast-path.ts";

export const testLimits: ServerLimits = {
  maxMessageBytes: 4 * 1024 * 1024,
  maxConcurrentStreams: 5000,
  maxConnections: 1000,
  firstByteTimeoutMs: 5000,
  headersTimeoutMs: 5000,
};

/** One line of the log. */
export interface LogLine {
  readonly level: string;
  readonly fields: Record<string, unknown>;
  readonly message: string;
}

/** A log that keeps its lines for the test to read. */
export function recordingLog(): Logger & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, fields: fields as Record<string, unknown>, message });
  };
  return { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** The services of a test: any methods of three real services, one for each kind of call. */
export interface TestServices {
  readonly health?: Partial<ServiceImpl<typeof Health>>;
  readonly byteStream?: Partial<ServiceImpl<typeof ByteStream>>;
  readonly reflection?: Partial<ServiceImpl<typeof ServerReflection>>;
}

/** A listening server and what it left in its log. */
export interface TestPort extends Server {
  readonly log: ReturnType<typeof recordingLog>;
  readonly drain: AbortController;
  /** Calls whose handler has not come to its end. */
  running(): number;
}

function countCalls(change: (by: number) => void): Interceptor {
  async function* counted<T>(messages: AsyncIterable<T>): AsyncIterable<T> {
    change(1);
    try {
      yield* messages;
    } finally {
      change(-1);
    }
  }
  return (next) => async (request) => {
    change(1);
    try {
      const response = await next(request);
      return response.stream ? { ...response, message: counted(response.message) } : response;
    } finally {
      change(-1);
    }
  };
}

/** Answers plain gRPC calls beside Connect, as the interceptors of a port have it. */
function fastPathOf(
  services: TestServices,
  deps: { log: Logger; drain: AbortController; change: (by: number) => void },
): ServerOptions["fastPath"] {
  const { log, drain, change } = deps;
  // Nobody asks for the target of a call here.
  const instances = { names: [], resolve: () => undefined as never };
  const around = { instances, log, draining: drain.signal, exempt: [] };
  const specs = [
    createServiceImplSpec(Health, services.health ?? {}),
    createServiceImplSpec(ByteStream, services.byteStream ?? {}),
    createServiceImplSpec(ServerReflection, services.reflection ?? {}),
  ].flatMap(({ methods }) => Object.values(methods).flatMap((spec) => counted(spec, change)));
  const invokes = { invoke: createInvoke(around), invokeStream: createInvokeStream(around) };
  return (port) => createFastPath({ specs, ...invokes, port, clock: systemClock, log });
}

/** A method that the fast path takes, whose running calls are counted. */
function counted(spec: MethodImplSpec, change: (by: number) => void): (UnarySpec | StreamSpec)[] {
  if (spec.kind === "unary") {
    const impl: UnarySpec["impl"] = async (request, context) => {
      change(1);
      try {
        return await spec.impl(request, context);
      } finally {
        change(-1);
      }
    };
    return [{ ...spec, impl }];
  }
  if (spec.kind !== "server_streaming") return [];
  const impl: StreamSpec["impl"] = async function* (request, context) {
    change(1);
    try {
      yield* spec.impl(request, context);
    } finally {
      change(-1);
    }
  };
  return [{ ...spec, impl }];
}

/** Waits until `condition` holds; fails after five seconds. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const end = Date.now() + 5000;
  while (!condition()) {
    assert.ok(Date.now() < end, `waited in vain until ${what}`);
    await delay(5);
  }
}

/**
 * Listens with the given services. At the end of the test it is closed, and a handler that still runs, a connection
 * that is still there, a line on the console or an error in the log that the test has not taken away fails it.
 */
export async function startPort(
  t: TestContext,
  services: TestServices,
  overrides: Partial<ServerOptions> = {},
): Promise<TestPort> {
  const log = recordingLog();
  const drain = new AbortController();
  let running = 0;
  const change = (by: number) => {
    running += by;
  };
  const console = t.mock.method(globalThis.console, "error", () => {});
  const server = await createServer({
    listen: { host: "127.0.0.1", port: 0 },
    tls: undefined,
    plaintext: "allow",
    corsOrigins: [],
    limits: testLimits,
    drainMs: 100,
    drain,
    readiness: createReadiness({ ready: async () => {}, draining: drain.signal, clock: systemClock }),
    about: { name: "opgrid", version: "0.0.0", docs: "https://docs.invalid/" },
    dashboard: undefined,
    log,
    clock: systemClock,
    routes: (router) => {
      router.service(Health, services.health ?? {});
      router.service(ByteStream, services.byteStream ?? {});
      router.service(ServerReflection, services.reflection ?? {});
    },
    interceptors: [errorsInterceptor(log), drainInterceptor(drain.signal), countCalls(change)],
    fastPath: testFastPath && !overrides.interceptors ? fastPathOf(services, { log, drain, change }) : undefined,
    registry: createRegistry(file_google_bytestream_bytestream),
    ...overrides,
  });
  t.after(async () => {
    await server.close();
    assert.deepEqual(server.connections(), { sockets: 0, http2Sessions: 0 });
    await until("all handlers have ended", () => running === 0);
    assert.deepEqual(
      console.mock.calls.map((call) => call.arguments),
      [],
      "nothing goes to the console",
    );
    assert.deepEqual(
      log.lines.filter((line) => line.level === "error"),
      [],
      "no unexpected error",
    );
  });
  return { ...server, log, drain, running: () => running };
}
