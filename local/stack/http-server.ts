import { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Listens on the loopback interface only; port 0 is any free one. */
export async function listenLocally(server: Server, port = 0): Promise<string> {
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
  // dynalite's own close() also closes its database under the feet of the requests that still run.
  const closed = new Promise<void>((resolve) => Server.prototype.close.call(server, () => resolve()));
  server.closeAllConnections();
  await closed;
}
