import { once } from 'node:events';
import { Agent, type ClientRequestArgs } from 'node:http';
import { connect } from 'node:net';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { ADDRESS_BUDGET_MILLIS, type DialOptions } from '../../functions/edge/dial.ts';
import { exchange } from '../../functions/edge/exchange.ts';
import { serveHttp } from './servers.ts';

const { dial } = vi.hoisted(() => ({ dial: vi.fn() }));
vi.mock(import('../../functions/edge/dial.ts'), async (original) => ({ ...(await original()), dial }));

afterEach(() => {
  vi.useRealTimers();
});

const request = { method: 'POST', headers: {}, body: '{}', deadlineMillis: 60_000, maxBytes: 100 } as const;

it.each([
  ['http://a.example.com/', 'a.example.com'],
  ['http://a.example.com:80/', 'a.example.com'],
  ['http://a.example.com:443/', 'a.example.com:443'],
  ['https://a.example.com/', 'a.example.com'],
  ['https://a.example.com:443/', 'a.example.com'],
  ['https://a.example.com:8443/', 'a.example.com:8443'],
  ['https://[2001:db8::1]/', '[2001:db8::1]'],
])('a receiver is told its host, without a port that goes without saying: %s', async (url, host) => {
  const { port } = await serveHttp(({ headers }, response) => response.end(headers.host));
  dial.mockImplementation(async () => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  });
  expect(await exchange({ ...request, url: new URL(url) })).toMatchObject({ body: Buffer.from(host) });
});

it('nothing is dialled any longer once the exchange is over', async () => {
  vi.useFakeTimers();
  dial.mockReturnValue(new Promise(() => undefined));
  const exchanged = exchange({ ...request, url: new URL('https://a.example.com/') });
  const [, signal] = dial.mock.lastCall as [DialOptions, AbortSignal];
  expect(signal.aborted).toBe(false);
  vi.advanceTimersByTime(request.deadlineMillis);
  expect(await exchanged).toEqual({ kind: 'timeout', isConnected: false });
  expect(signal.aborted).toBe(true);
});

it('an agent, too, gives each of several addresses its time', async () => {
  const { url } = await serveHttp((_request, response) => response.end());
  const asked: ClientRequestArgs[] = [];
  class Listening extends Agent {
    override createConnection(...args: Parameters<Agent['createConnection']>) {
      asked.push(args[0]);
      return super.createConnection(...args);
    }
  }
  const agent = new Listening();
  onTestFinished(() => agent.destroy());
  await exchange({ ...request, url, agent });
  expect(asked).toMatchObject([{ autoSelectFamilyAttemptTimeout: ADDRESS_BUDGET_MILLIS }]);
});
