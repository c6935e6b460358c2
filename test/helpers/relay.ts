import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A TCP relay in front of a port of this machine, which misbehaves when told. */
export interface Relay extends AsyncDisposable {
  readonly port: number;
  /** Bytes that went from the server to clients. */
  readonly bytesDown: number;
  /** Cuts each of the next connections after so many bytes from the server, or from the client. */
  cut(options: { readonly connections: number; readonly afterBytes: number; readonly from: "server" | "client" }): void;
  /** How many connections `cut` still applies to. */
  readonly cutsLeft: number;
}

/** Starts a relay to a port on 127.0.0.1. */
export async function startRelay(target: number): Promise<Relay> {
  let [bytesDown, cutsLeft, afterBytes, from] = [0, 0, 0, "server"];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    const both = [client, upstream];
    const end = () => both.forEach((socket) => void socket.destroy());
    let passed = 0;
    const count = (side: string) => (chunk: Buffer) => {
      if (side === "server") bytesDown += chunk.length;
      if (cutsLeft === 0 || side !== from) return;
      passed += chunk.length;
      if (passed < afterBytes) return;
      cutsLeft--;
      end();
    };
    for (const socket of both) {
      sockets.add(socket);
      socket.on("error", end);
      socket.on("close", () => {
        sockets.delete(socket);
        end();
      });
    }
    client.on("data", count("client"));
    upstream.on("data", count("server"));
    client.pipe(upstream);
    upstream.pipe(client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert(typeof address === "object" && address !== null);
  return {
    port: address.port,
    get bytesDown() {
      return bytesDown;
    },
    get cutsLeft() {
      return cutsLeft;
    },
    cut: (options) => {
      ({ connections: cutsLeft, afterBytes, from } = options);
      // Connections that are kept alive would pass by.
      for (const socket of sockets) socket.destroy();
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
