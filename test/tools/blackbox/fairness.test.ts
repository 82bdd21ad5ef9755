import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { call, type LocalSystem, startLocally, submission } from './system.ts';

/** Only `npm run test:more` runs it: each row takes more than a minute. */
const isLong = process.env['LONG_FAIR'] === 'yes';

const DEAD_JOBS = 400;
const HEALTHY_JOBS = 120;
const HEALTHY_EVERY_MILLIS = 500;
/** From when on a receiver that hangs is known to. */
const KNOWN_AFTER_MILLIS = 20_000;
const CONNECTIONS_MAX = 20;
const WORST_MILLIS = 17_000;
const MEDIAN_MILLIS = 1000;

let system: LocalSystem | undefined;
const closing: (() => void)[] = [];
afterEach(async () => {
  await system?.stop();
  for (const close of closing.splice(0)) close();
});

interface Host {
  url: string;
  /** The most attempts that waited for an answer at once, when it was known to hang. */
  mostWaiting: number;
  hangsSince: number | null;
  /** How long each webhook that was answered took from the end of its job. */
  waits: { finishedAt: number; millis: number }[];
}

/** A receiver that never answers below `/hang`, and only each second time below `/half`. */
async function startHost(): Promise<Host> {
  const open = new Set<ServerResponse>();
  let turn = 0;
  const server = createServer(async (request, response) => {
    const at = Date.now();
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    const hangs = request.url === '/hang' || (request.url === '/half' && turn++ % 2 === 0);
    if (hangs) {
      open.add(response);
      response.on('close', () => open.delete(response));
      host.hangsSince ??= at;
      if (at > host.hangsSince + KNOWN_AFTER_MILLIS) host.mostWaiting = Math.max(host.mostWaiting, open.size);
      return;
    }
    response.writeHead(204).end();
    const finishedAt = Date.parse(JSON.parse(body).timestamp);
    if (request.url === '/ok') host.waits.push({ finishedAt, millis: at - finishedAt });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const host: Host = { url, mostWaiting: 0, hangsSince: null, waits: [] };
  return host;
}

/** Which of the hosts a dead job goes to, and below which path. The healthy client's own host is the last one. */
type Target = (index: number, hosts: Host[], own: Host) => string;
const SCENES: [what: string, hosts: number, target: Target][] = [
  ['a receiver that never answers', 1, (_, [only]) => `${only?.url}/hang`],
  ['twenty dead hosts, in turns', 20, (i, hosts) => `${hosts[i % 20]?.url}/hang`],
  ['twenty dead hosts, one after the other', 20, (i, hosts) => `${hosts[Math.floor(i / 20)]?.url}/hang`],
  ['a host of which each second answer hangs', 1, (_, [only]) => `${only?.url}/half`],
  ['a path that hangs of the very host', 0, (_, __, own) => `${own.url}/hang`],
];

it.runIf(isLong).each(SCENES)(
  "another client's webhooks arrive beside 400 to %s",
  async (what, count, target) => {
    const sandbox = await startLocally();
    system = sandbox;
    const own = await startHost();
    const hosts = await Promise.all(Array.from({ length: count }, startHost));
    const post = async (client: number, webhook_url: string) => {
      const headers = { authorization: `Bearer ${sandbox.client_keys[client]}` };
      const body = { ...submission('sandbox-instant', 'hi'), webhook_url };
      expect((await call(sandbox, 'POST', '/v1/jobs', body, headers)).status).toBe(202);
    };
    const healthy = (async () => {
      for (let i = 0; i < HEALTHY_JOBS; i++) {
        void post(1, `${own.url}/ok`);
        await new Promise((resolve) => setTimeout(resolve, HEALTHY_EVERY_MILLIS));
      }
    })();
    for (let i = 0; i < DEAD_JOBS; i += 10)
      await Promise.all(Array.from({ length: 10 }, (_, k) => post(0, target(i + k, hosts, own))));
    await healthy;
    const all = await waitFor(own, HEALTHY_JOBS);
    const since = Math.min(
      ...[...hosts, own].map(({ hangsSince }) => hangsSince ?? Number.POSITIVE_INFINITY),
    );
    const later = all.filter(({ finishedAt }) => finishedAt > since + KNOWN_AFTER_MILLIS);
    const median = (of: typeof all) => of.map(({ millis }) => millis).sort((a, b) => a - b)[of.length >> 1];
    const worst = Math.max(...all.map(({ millis }) => millis));
    const connections = Math.max(...[...hosts, own].map(({ mostWaiting }) => mostWaiting));
    process.stdout.write(
      `${what}: worst ${worst} ms, median ${median(all)} ms, then ${median(later)} ms of ${later.length}, connections ${connections}\n`,
    );
    expect(worst).toBeLessThan(WORST_MILLIS);
    expect(later.length).toBeGreaterThan(HEALTHY_JOBS / 4);
    expect(median(later)).toBeLessThan(MEDIAN_MILLIS);
    expect(connections).toBeLessThanOrEqual(CONNECTIONS_MAX);
  },
  200_000,
);

async function waitFor({ waits }: Host, count: number): Promise<Host['waits']> {
  for (let i = 0; i < 600 && waits.length < count; i++)
    await new Promise((resolve) => setTimeout(resolve, 100));
  expect(waits.length).toBe(count);
  return waits;
}
