import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { type Look, lookAround } from '../../../tools/commands/first-look.ts';

const LETS_THROUGH = 500;
const GATEWAY = { message: 'Too Many Requests' };

/** What is seen of an API that renames a header, knows no uploads, and refuses what is too much in these words. */
async function looksAt(refusal: object): Promise<Look[]> {
  let asked = 0;
  const server = createServer((request, response) => {
    request.resume();
    const isHealth = request.url === '/v1/health' && request.method === 'GET';
    const isRefused = isHealth && ++asked > LETS_THROUGH;
    const statuses: Record<string, number> = { '/v1/health': isRefused ? 429 : 200, '/v1/jobs': 401 };
    response.writeHead(statuses[request.url ?? ''] ?? 404, { 'x-amzn-remapped-www-authenticate': 'Bearer' });
    response.end(isRefused ? JSON.stringify(refusal) : '{"code":"not_found"}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const looks: Look[] = [];
  for await (const each of lookAround({ url, key: 'k', model: 'm', webhook: undefined, isLocal: false }))
    looks.push(each);
  return looks;
}

it('the first look says what is not as expected, and goes on', async () => {
  expect(await looksAt(GATEWAY)).toMatchObject([
    {
      what: 'WWW-Authenticate',
      state: 'not as expected',
      words: '401, with x-amzn-remapped-www-authenticate',
    },
    { what: 'HEAD', state: 'ok' },
    {
      what: 'a larger body',
      state: 'not as expected',
      words: expect.stringMatching(/^401 |fetch|connection/i),
    },
    { what: 'an upload', state: 'not as expected', words: expect.stringContaining('404 not_found') },
    { what: 'the throttle', state: 'ok', words: expect.stringMatching(/^500 × 200, 700 × 429; /) },
    ...['alarms', 'logs', 'the link a day later'].map((what) => ({ what, state: 'cannot look' })),
  ]);
});

it('a throttle that answers in other words is not as expected', async () => {
  const throttle = (await looksAt({ error: 'slow down' })).find(({ what }) => what === 'the throttle');
  expect(throttle).toMatchObject({ state: 'not as expected', words: expect.stringContaining('slow down') });
});
