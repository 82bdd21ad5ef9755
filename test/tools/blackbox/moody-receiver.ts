import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Delivery {
  jobId: string;
  /** What it was answered with. */
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A webhook receiver that can be told to fail, and to be dead. */
export interface MoodyReceiver {
  url: string;
  /** What it answers from now on. */
  status: number;
  deliveries: readonly Delivery[];
  refuseConnections(): Promise<void>;
  /** Listens on the same port again. */
  acceptConnections(): Promise<void>;
}

export async function startMoodyReceiver(): Promise<MoodyReceiver> {
  const deliveries: Delivery[] = [];
  const server = createServer(async (request, response) => {
    const body = (await request.setEncoding('utf8').toArray()).join('');
    const { status } = receiver;
    deliveries.push({ jobId: JSON.parse(body).data.job_id, status, headers: request.headers, body });
    response.writeHead(status).end();
  });
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const port = await listen(0);
  const receiver: MoodyReceiver = {
    url: `http://127.0.0.1:${port}/`,
    status: 204,
    deliveries,
    async refuseConnections() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
    async acceptConnections() {
      await listen(port);
    },
  };
  return receiver;
}
