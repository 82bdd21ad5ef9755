import { once } from 'node:events';
import { type AddressInfo, createServer, type LookupFunction } from 'node:net';
import { expect, it } from 'vitest';
import { dial } from '../../functions/edge/dial.ts';

it('a connection that stands may be silent for as long as the exchange allows, whatever connecting might have taken', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const addresses = [
    { address: '127.0.0.1', family: 4 },
    { address: '127.0.0.2', family: 4 },
  ];
  const lookup = ((_host, _options, callback) => callback(null, addresses)) as LookupFunction;
  const url = new URL(`http://a.example.com:${port}`);
  const socket = await dial({ url, deadlineMillis: 10_000, lookup }, new AbortController().signal);
  expect(socket.timeout).toBe(0);
  socket.destroy();
  server.close();
});
