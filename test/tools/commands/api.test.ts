import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { callPatiently } from '../../../tools/commands/api.ts';

it('an API that asks to be called again at once is not called as fast as the network goes', async () => {
  let calls = 0;
  const server = createServer((_request, response) => {
    calls += 1;
    response.writeHead(503, { 'retry-after': '0' }).end('{}');
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const answer = await callPatiently(performance.now() + 1200, { url, key: 'k' }, '/v1/health');
  expect(answer.status).toBe(503);
  expect(calls).toBeLessThanOrEqual(3);
});
