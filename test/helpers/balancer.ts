import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A TCP load balancer on a port of its own, which gives connections to those behind it in turn. */
export interface Balancer extends AsyncDisposable {
  readonly port: number;
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
}

/** Starts the balancer. A connection goes to the next of the ports on 127.0.0.1 that accepts it; if none does, it ends. */
export async function startBalancer(ports: readonly number[]): Promise<Balancer> {
  const sockets = new Set<Socket>();
  let turn = 0;
  const server = createServer((client) => void serve(client));

  function keep(socket: Socket): void {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => sockets.delete(socket));
  }

  async function serve(client: Socket): Promise<void> {
    keep(client);
    const first = turn++;
    for (const [index] of ports.entries()) {
      const upstream = connect(ports[(first + index) % ports.length] ?? 0, "127.0.0.1");
      keep(upstream);
      const accepted = await once(upstream, "connect").then(
        () => true,
        () => false,
      );
      if (!accepted) continue;
      client.once("close", () => upstream.destroy());
      upstream.once("close", () => client.destroy());
      if (client.destroyed) upstream.destroy();
      client.pipe(upstream);
      upstream.pipe(client);
      return;
    }
    client.destroy();
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert(typeof address === "object" && address !== null);
  const { port } = address;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
}
