/** Sends to names of several addresses, for addresses.test.ts, on the machine that it makes, and prints what came of it. */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpOutcome } from '../../functions/core/http/http-outcome.ts';
import type { AttemptOutcome } from '../../functions/core/webhook/attempt.ts';
import { exchange } from '../../functions/edge/exchange.ts';
import { createWebhooks } from '../../functions/edge/webhooks.ts';
import { DELIVERY } from '../cloud/jobs.ts';
import { UNWATCHED } from '../cloud/ports.ts';
import { busy } from './busy.ts';
import { DOMAIN } from './hosts.ts';

/** What each address does. All that is not listed refuses, as nobody listens there. */
export const SERVING = ['9.9.1.1', '9.9.1.2', '10.9.1.1'];
export const SILENT = [
  '9.9.3.1',
  '9.9.3.2',
  '9.9.3.3',
  '9.9.3.4',
  '9.9.3.5',
  '9.9.3.6',
  '9.9.3.7',
  '2a00::3',
];
export const SLOW = '9.9.4.1';

export interface Told {
  /** By name. */
  exchanges: Record<string, AttemptOutcome>;
  millis: Record<string, number>;
  /** Of an exchange with the name `all-silent` and one with `seven-silent`, which have six seconds. */
  hurried: HttpOutcome['kind'][];
  /** Connections that each serving address has taken. */
  connections: Record<string, number>;
  /** How many of many attempts were delivered, and the open files before and after them. */
  many: { delivered: number; filesBefore: number; filesAfter: number };
}

const HURRIED_MILLIS = 6000;
/** Until a SYN that was dropped is sent again, after a second, the slow address is no longer busy. */
const SLOW_MILLIS = 500;

const openFiles = () => readdirSync('/proc/self/fd').length;

async function main(folder: string, names: string[], attempts: number): Promise<Told> {
  const pem = readFileSync(`${folder}/pem`, 'utf8');
  const connections: Record<string, number> = {};
  for (const host of SERVING) {
    connections[host] = 0;
    const server = createServer({ key: pem, cert: pem }, (request, response) => {
      request.resume().on('end', () => response.writeHead(204).end());
    });
    server.on('connection', () => {
      connections[host] = (connections[host] ?? 0) + 1;
    });
    await once(server.listen({ host, port: 443 }), 'listening');
  }
  await busy(SILENT, pem);
  const slow = await busy([SLOW], pem);
  const webhooks = createWebhooks({
    rules: { ports: [], ownHost: null, loopback: false },
    credentialsOf: async () => ({ secrets: [`whsec_${Buffer.alloc(24).toString('base64')}`], headers: {} }),
    lanes: UNWATCHED,
    clock: { now: Date.now },
  });
  const send = (name: string) => webhooks.send({ ...DELIVERY, url: `https://${name}.${DOMAIN}/h` }, '{}');
  const hurry = async (name: string) => {
    const url = new URL(`https://${name}.${DOMAIN}/h`);
    const outcome = await exchange({
      method: 'POST',
      url,
      headers: {},
      deadlineMillis: HURRIED_MILLIS,
      maxBytes: 9,
    });
    return outcome.kind;
  };

  const exchanges: Record<string, AttemptOutcome> = {};
  const millis: Record<string, number> = {};
  const begun = performance.now();
  const sent = names
    .filter((name) => !['seven-silent', 'all-silent'].includes(name))
    .map(async (name) => {
      exchanges[name] = await send(name);
      millis[name] = Math.round(performance.now() - begun);
    });
  const hurried = Promise.all([hurry('all-silent'), hurry('seven-silent')]);
  await sleep(SLOW_MILLIS);
  slow.free();
  await Promise.all(sent);

  await hurried;
  const filesBefore = openFiles();
  let delivered = 0;
  for (let begun = 0; begun < attempts; begun += 10) {
    const batch = await Promise.all(Array.from({ length: 10 }, () => send('first-refuses')));
    delivered += batch.filter((each) => each.kind === 'answered').length;
  }
  return {
    exchanges,
    millis,
    hurried: await hurried,
    connections,
    many: { delivered, filesBefore, filesAfter: openFiles() },
  };
}

if (import.meta.main) {
  const { FOLDER = '', NAMES = '{}', ATTEMPTS = '0' } = process.env;
  const told = await main(FOLDER, Object.keys(JSON.parse(NAMES)), Number(ATTEMPTS));
  process.stdout.write(JSON.stringify(told), () => process.exit(0));
}
