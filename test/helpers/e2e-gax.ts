import type { TestContext } from "node:test";
import { grpc, lro } from "google-gax";

// Else it looks for Google's cloud around this machine before its first call.
process.env.METADATA_SERVER_DETECTION = "none";

/** The client of google.longrunning that every client library of Google's has inside. */
export type OperationsClient = ReturnType<ReturnType<typeof lro>["operationsClient"]>;

/** Opens google-gax's OperationsClient on a port of this machine; it is closed when the test ends. */
export function openGax(t: TestContext, port: number): OperationsClient {
  const sslCreds = grpc.credentials.createInsecure();
  const client = lro({}).operationsClient({ servicePath: "127.0.0.1", port, sslCreds });
  t.after(() => client.close());
  return client;
}

/** gax takes plain objects, though its types ask for message instances. */
export function request<T>(fields: object): T {
  return fields as T;
}
