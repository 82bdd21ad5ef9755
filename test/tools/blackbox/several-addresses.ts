/** Has the local system call receivers on the machine that addresses.test.ts makes, and prints what came of it. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer } from 'node:tls';
import { busy } from '../../edge/busy.ts';
import { DOMAIN } from '../../edge/hosts.ts';
import { call, type LocalSystem, startLocally, submission } from './system.ts';

const HEADERS = `x-a: ${'a'.repeat(1024 - 7)}\r\n`.repeat(20);
const ANSWERS = {
  plain: 'HTTP/1.1 204 No Content\r\n\r\n',
  'with-a-body': 'HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\n{}',
  'with-stray-bytes': 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokstray',
  'with-large-headers': `HTTP/1.1 200 OK\r\ncontent-length: 2\r\n${HEADERS}\r\nok`,
  'gone-with-large-headers': `HTTP/1.1 410 Gone\r\ncontent-length: 2\r\n${HEADERS}\r\nok`,
} as const;

/** The address of each receiver, by what it answers. */
export const RECEIVERS = Object.fromEntries(
  Object.keys(ANSWERS).map((name, i) => [name, `9.9.1.${i + 1}`]),
) as Record<keyof typeof ANSWERS, string>;
/** These come first, one after the other: the functions are warm after the first. */
export const ALONE = ['plain', 'first-refuses', 'v6-refuses', 'first-silent', 'v6-silent'];
export const SILENT = ['9.9.3.1', '2a00::3'];

/** The webhook of one job. */
export interface Told {
  name: string;
  status: string;
  attempts: { status: number | null; error: string | null; duration_ms: number }[];
  /** From the end of the job to the end of the attempt. */
  millis: number;
}

async function receive(pem: string, posts: Record<string, number>): Promise<void> {
  for (const [name, host] of Object.entries(RECEIVERS)) {
    const answer = ANSWERS[name as keyof typeof ANSWERS];
    const server = createServer({ key: pem, cert: pem }, (socket: Socket) => {
      socket.on('error', () => undefined);
      socket.once('data', (request) => {
        const [, receiver = ''] = /^host: ([\w-]+)/im.exec(request.toString('latin1')) ?? [];
        posts[receiver] = (posts[receiver] ?? 0) + 1;
        socket.end(answer);
      });
    });
    await once(server.listen({ host, port: 443 }), 'listening');
  }
}

async function deliveryTo(system: LocalSystem, name: string): Promise<Told> {
  const url = `https://${name}.${DOMAIN}/h`;
  const { json } = await call(system, 'POST', '/v1/jobs', {
    ...submission('sandbox-instant', 'Hi'),
    webhook_url: url,
  });
  for (;;) {
    const { json: job } = await call(system, 'GET', `/v1/jobs/${json.job_id}`);
    const { json: log } = await call(system, 'GET', `/v1/jobs/${json.job_id}/deliveries`);
    const { status } = job.webhook;
    const [{ at, duration_ms } = { at: 0, duration_ms: 0 }] = log.deliveries;
    const millis = Date.parse(at) + duration_ms - Date.parse(job.finished_at);
    if (status !== 'pending') return { name, status, attempts: log.deliveries, millis };
    await sleep(100);
  }
}

if (import.meta.main) {
  const { FOLDER = '', NAMES = '{}' } = process.env;
  const names = Object.keys(JSON.parse(NAMES));
  const pem = readFileSync(`${FOLDER}/pem`, 'utf8');
  const posts: Record<string, number> = {};
  await receive(pem, posts);
  await busy(SILENT, pem);
  const system = await startLocally({}, '--strict-webhooks');
  const told: Told[] = [];
  // Each of these has the machine to itself, so that what it takes is not the others' work.
  for (const name of ALONE) told.push(await deliveryTo(system, name));
  const others = names.filter((name) => !ALONE.includes(name));
  told.push(...(await Promise.all(others.map((name) => deliveryTo(system, name)))));
  await system.stop();
  process.stdout.write(JSON.stringify({ told, posts }), () => process.exit(0));
}
