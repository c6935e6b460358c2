import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { test } from "node:test";
import { HealthCheckResponse_ServingStatus as Status } from "../../gen/grpc/health/v1/health_pb.ts";
import { http2Session } from "./clients.ts";
import { startPort, type TestServices } from "./port.ts";

const CHECK = "/grpc.health.v1.Health/Check";
const ORIGIN = "https://dashboard.test";
const services: TestServices = {
  health: {
    check(_request, context) {
      context.responseTrailer.set("build.bazel.remote.execution.v2.requestmetadata-bin", "AA");
      return { status: Status.SERVING };
    },
  },
};

function preflight(url: string, origin: string): Promise<Response> {
  return fetch(url + CHECK, {
    method: "OPTIONS",
    headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type" },
  });
}

const list = (response: Response, header: string) => (response.headers.get(header) ?? "").toLowerCase().split(", ");

test("says at its root what it is and where the documentation stands", async (t) => {
  const port = await startPort(t, services);
  const about = { name: "opgrid", version: "0.0.0", docs: "https://docs.invalid/" };
  assert.deepEqual(await (await fetch(port.url)).json(), about);
  const stream = http2Session(t, port.url).request({ ":path": "/" }).setEncoding("utf8");
  let text = "";
  for await (const chunk of stream) text += chunk;
  assert.deepEqual(JSON.parse(text), about);
});

test("answers a preflight with all that a browser has to know", async (t) => {
  const port = await startPort(t, services, { corsOrigins: [ORIGIN, "https://other.test"] });
  const response = await preflight(port.url, ORIGIN);
  assert.equal(response.status, 204);
  assert.equal(response.headers.get("access-control-allow-origin"), ORIGIN);
  assert.equal(response.headers.get("access-control-max-age"), "7200");
  assert.equal(response.headers.get("vary"), "Origin");
  assert.deepEqual(list(response, "access-control-allow-methods"), ["post", "get"]);
  const allowed = list(response, "access-control-allow-headers");
  for (const header of [
    "authorization",
    "build.bazel.remote.execution.v2.requestmetadata-bin",
    "connect-protocol-version",
    "connect-timeout-ms",
    "content-type",
    "grpc-timeout",
    "x-grpc-web",
    "x-request-actor",
    "x-request-subject",
    "x-request-workflow",
    "x-user-agent",
  ]) {
    assert.ok(allowed.includes(header), header);
  }
});

test("exposes status, details and trailers to a page, in every protocol that a browser speaks", async (t) => {
  const port = await startPort(t, services, { corsOrigins: [ORIGIN] });
  for (const [path, contentType, body] of [
    [CHECK, "application/json", "{}"],
    [CHECK, "application/grpc-web+proto", "\0\0\0\0\0"],
    ["/no.such.Service/Nothing", "application/grpc-web+proto", "\0\0\0\0\0"],
    ["/no.such.Service/Nothing", "application/json", "{}"],
  ] as const) {
    const response = await fetch(port.url + path, {
      method: "POST",
      headers: { origin: ORIGIN, "content-type": contentType },
      body,
    });
    await response.arrayBuffer();
    assert.equal(response.headers.get("access-control-allow-origin"), ORIGIN);
    const exposed = list(response, "access-control-expose-headers");
    for (const header of [
      "grpc-status",
      "grpc-message",
      "grpc-status-details-bin",
      "build.bazel.remote.execution.v2.requestmetadata-bin",
      "trailer-build.bazel.remote.execution.v2.requestmetadata-bin",
      "buildgrid.v2.clientidentity-bin",
      "trailer-buildgrid.v2.clientidentity-bin",
    ]) {
      assert.ok(exposed.includes(header), header);
    }
  }
});

test("answers an unknown gRPC-Web method with the status in the header and no body", async (t) => {
  const port = await startPort(t, services);
  const response = await fetch(`${port.url}/no.such.Service/Nothing`, {
    method: "POST",
    headers: { "content-type": "application/grpc-web+proto" },
    body: "\0\0\0\0\0",
  });
  assert.deepEqual([response.status, response.headers.get("grpc-status"), await response.text()], [200, "12", ""]);
});

test("gives other origins, and every origin when none is configured, no leave", async (t) => {
  const some = await startPort(t, services, { corsOrigins: [ORIGIN] });
  const none = await startPort(t, services);
  for (const url of [some.url, none.url]) {
    const response = await preflight(url, "https://evil.test");
    assert.notEqual(response.status, 204);
    assert.equal(response.headers.get("access-control-allow-origin"), null);
    await response.body?.cancel();
  }
  const cached = await fetch(`${some.url}/healthz`);
  assert.equal(cached.headers.get("vary"), "Origin", "a cache must not serve one origin's answer to another");
  await cached.body?.cancel();
});

test("gives any origin leave when it is told to, but not with credentials", async (t) => {
  const port = await startPort(t, services, { corsOrigins: ["*"] });
  const response = await preflight(port.url, "https://any.test");
  assert.deepEqual([response.status, response.headers.get("access-control-allow-origin")], [204, "*"]);
  assert.equal(response.headers.get("access-control-allow-credentials"), null);
});

/** Calls as a browser does for a page of the origin; answers the HTTP status. */
async function callFor(url: string, origin: string, host?: string): Promise<number> {
  const headers = { origin, "content-type": "application/json", ...(host && { host }) };
  const request = httpRequest(url + CHECK, { method: "POST", headers });
  request.end("{}");
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.resume();
  return response.statusCode ?? 0;
}

test("lets pages of this machine call when told so, and of no other", async (t) => {
  const port = await startPort(t, services, { corsOrigins: ["loopback"] });
  for (const origin of ["http://localhost:5173", "http://127.0.0.1:8080", "http://[::1]:1", "http://app.localhost"]) {
    assert.equal(await callFor(port.url, origin), 200, origin);
  }
  for (const origin of ["https://evil.test", "http://localhost.evil.test", "http://127.0.0.1.evil.test", "null", "x"]) {
    assert.equal(await callFor(port.url, origin), 403, origin);
  }
});

test("lets its own pages call, but not those of a name that somebody points at loopback", async (t) => {
  const port = await startPort(t, services, { corsOrigins: ["none"] });
  const { host } = new URL(port.url);
  assert.equal(await callFor(port.url, `http://${host}`), 200);
  assert.equal(await callFor(port.url, "http://127.0.0.1:1"), 403);
  assert.equal(await callFor(port.url, "http://rebound.test:80", "rebound.test:80"), 403);
});

test("a refused page's request reaches no service", async (t) => {
  let calls = 0;
  const check = () => {
    calls++;
    return { status: Status.SERVING };
  };
  const port = await startPort(t, { health: { check } });
  await callFor(port.url, "https://evil.test");
  assert.equal(calls, 0);
});
