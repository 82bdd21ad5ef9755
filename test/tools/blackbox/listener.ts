import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Listener {
  port: number;
  /** How many connections it has taken. */
  readonly connections: number;
  /** Resolves when each connection that it has taken has ended. */
  ended(): Promise<void>;
}

/** Takes connections on this machine until the test has finished; `answer` is called when a request begins. */
export async function listen(answer: (socket: Socket) => void = () => undefined): Promise<Listener> {
  const open = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => open.delete(socket));
    socket.once('data', () => answer(socket));
    socket.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    async ended() {
      await Promise.all(Array.from(open, (socket) => new Promise((resolve) => socket.on('close', resolve))));
    },
  };
}
