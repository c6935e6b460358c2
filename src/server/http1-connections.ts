import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * The HTTP/1.1 connections of a server and the responses that each still owes.
 *
 * Draining closes a connection as soon as it owes nothing. Node's own closeIdleConnections() would not do: it takes a
 * response for sent that is only written, and cuts it off; and it forgets pipelined requests.
 */
export class Http1Connections {
  readonly #owed = new Map<Socket, Set<ServerResponse>>();
  #draining = false;

  constructor(server: Server) {
    server.on("connection", (socket: Socket) => {
      this.#owed.set(socket, new Set());
      socket.once("close", () => this.#owed.delete(socket));
      if (this.#draining) socket.destroySoon();
    });
    server.on("request", (request, response) => this.#track(request.socket, response));
  }

  /** Closes what is idle now, and the rest when it becomes so. */
  drain(): void {
    this.#draining = true;
    for (const [socket, responses] of this.#owed) {
      const last = [...responses].at(-1);
      if (!last) socket.destroySoon();
      // Tells the client not to send another request, which might meet the closing connection.
      else if (!last.headersSent) last.shouldKeepAlive = false;
    }
  }

  #track(socket: Socket, response: ServerResponse): void {
    const responses = this.#owed.get(socket);
    responses?.add(response);
    response.once("close", () => {
      responses?.delete(response);
      if (this.#draining && responses?.size === 0) socket.destroySoon();
    });
  }
}
