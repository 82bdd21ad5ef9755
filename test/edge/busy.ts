import { once } from 'node:events';
import { connect } from 'node:net';
import { Worker } from 'node:worker_threads';

/** Runs in a thread that is blocked once it listens, so that the kernel alone answers, until its queue is full. */
const LISTENER = `
const { parentPort, workerData } = require('node:worker_threads');
const { createServer } = require('node:https');
const { hosts, pem, gate } = workerData;
let listening = 0;
for (const host of hosts) {
  const server = createServer({ key: pem, cert: pem }, (request, response) => response.writeHead(204).end());
  server.listen({ host, port: 443, backlog: 1 }, () => {
    if (++listening < hosts.length) return;
    parentPort.postMessage('listening');
    setImmediate(() => Atomics.wait(gate, 0, 0));
  });
}`;

/** Addresses that take no connection on port 443, since a queue for it is full. Once free, they answer. */
export async function busy(hosts: string[], pem: string): Promise<{ free(): void }> {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(LISTENER, { eval: true, workerData: { hosts, pem, gate } });
  await once(worker, 'message');
  // One more than the backlog are taken by the kernel, and none after them.
  for (const host of [...hosts, ...hosts]) {
    const socket = connect({ host, port: 443 });
    socket.on('error', () => undefined);
    await once(socket, 'connect');
  }
  return {
    free() {
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
    },
  };
}
