import { once } from "node:events";
import { rm, stat } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemErrorCode } from "./status.ts";

/**
 * Takes a directory for one process; undefined when a live process of this machine has it. The operating system lets go
 * of it when the process ends, however it ends: the lock is a listening socket, on Linux without a file.
 */
export async function lockDirectory(directory: string): Promise<Disposable | undefined> {
  const { dev, ino } = await stat(directory, { bigint: true });
  const name = `opgrid-bot-${dev}-${ino}`;
  const path = process.platform === "linux" ? `\0${name}` : join(tmpdir(), `${name}.sock`);
  let server = await listen(path);
  if (!server && process.platform !== "linux" && !(await isAnswered(path))) {
    await rm(path, { force: true });
    server = await listen(path);
  }
  return server && { [Symbol.dispose]: () => void server.close() };
}

async function listen(path: string): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy()).unref();
  try {
    server.listen({ path });
    await once(server, "listening");
    return server;
  } catch (error) {
    if (systemErrorCode(error) === "EADDRINUSE") return undefined;
    throw error;
  }
}

async function isAnswered(path: string): Promise<boolean> {
  const socket = connect({ path });
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
