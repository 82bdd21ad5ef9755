import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { guard } from './guard.ts';

/**
 * Listens on the loopback interface only, and only to this machine's programs and its own pages.
 * @param port 0 is any free one
 */
export async function listenLocally(server: Server, port = 0): Promise<string> {
  guard(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Ends every connection too, whatever it waits for. */
export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
