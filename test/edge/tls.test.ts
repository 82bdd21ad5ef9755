import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { getCACertificates, setDefaultCACertificates, type TlsOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exchange } from '../../functions/edge/exchange.ts';
import { createWebhooks } from '../../functions/edge/webhooks.ts';
import { DELIVERY } from '../cloud/jobs.ts';
import { UNWATCHED } from '../cloud/ports.ts';
import { describeWith } from '../needs.ts';
import { certificateFor } from './certificate.ts';
import { localhost, serveConnections, serveHttp, serveTls } from './servers.ts';

const SECRET = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
const HOST = 'hooks.example.com';
const trusted = certificateFor(HOST);

beforeAll(() => setDefaultCACertificates([...getCACertificates('bundled'), trusted.cert]));

/** Sends to a public name that leads to this machine, past the guard: what is tested is what comes after it. */
function send(port: number, host = HOST) {
  const here = { address: '127.0.0.1', family: 4 };
  const webhooks = createWebhooks({
    rules: { ports: [port], ownHost: null, loopback: false },
    credentialsOf: async () => ({ secrets: [SECRET], headers: {} }),
    lanes: UNWATCHED,
    clock: { now: Date.now },
    exchange: ({ blockList, ...request }) =>
      exchange({ ...request, lookup: (_host, _all, callback) => setImmediate(() => callback(null, [here])) }),
  });
  return webhooks.send({ ...DELIVERY, url: `https://${host}:${port}/h` }, '{}');
}

async function serve(options: TlsOptions, onConnection: (socket: Socket) => void = answer): Promise<number> {
  const { port } = await serveTls({ ...trusted, ...options }, onConnection);
  return port;
}

const answer = (socket: Socket) => socket.once('data', () => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));

/** A fatal alert in the place of a handshake. */
const alert = (description: number) => async () => {
  const record = Buffer.from([21, 3, 3, 0, 2, 2, description]);
  return (await serveConnections((socket) => socket.once('data', () => socket.end(record)))).port;
};

const failed = (error: string) => ({ kind: 'failed', error });
const old: TlsOptions = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };

describe('a TLS connection', () => {
  it('carries the webhook, with one trailing dot in its name or none', async () => {
    const names: (string | false)[] = [];
    const port = await serve({
      SNICallback: (name, done) => {
        names.push(name);
        done(null);
      },
    });
    for (const host of [HOST, `${HOST}.`]) expect(await send(port, host)).toMatchObject({ status: 204 });
    expect(names).toEqual([HOST, HOST]);
  });

  it.each<[what: string, start: () => Promise<number>]>([
    ['a server that speaks TLS 1.1 alone', () => serve(old)],
    ['a server without TLS', async () => (await serveHttp((_, response) => response.end())).port],
    ['a server that speaks HTTP/2 alone', () => serve({ ALPNProtocols: ['h2'] })],
    ['a certificate that nobody vouches for', () => serve(certificateFor(HOST))],
    ['a certificate of another name', () => serve(localhost)],
    ['no cipher in common', () => serve({ maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' })],
    ['the alert of a failed handshake', alert(40)],
    ['the alert of an internal error', alert(80)],
    ['the alert of an unknown name', alert(112)],
    ['the alert of an unknown certificate', alert(46)],
  ])('fails with the error "tls": %s', async (_what, start) => {
    expect(await send(await start())).toEqual(failed('tls'));
  });

  it('fails with another error when the server hangs up in the middle of the handshake', async () => {
    const { port } = await serveConnections((socket) => socket.once('data', () => socket.end()));
    expect(await send(port)).toEqual(failed('connection_failed'));
  });

  it('may carry something that is not HTTP, which is no error of TLS', async () => {
    const port = await serve({}, (socket) => socket.end(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])));
    expect(await send(port)).toEqual(failed('invalid_response'));
  });

  it('may carry no answer, which is no error of TLS', async () => {
    const port = await serve({}, (socket) => socket.once('data', () => socket.destroy()));
    expect(await send(port)).toEqual(failed('connection_reset'));
  });
});

await describeWith('openssl', ['openssl', 'version'], 'a server that wants a client certificate', () => {
  let folder: string;
  const children: ChildProcess[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tls-'));
    await writeFile(join(folder, 'pem'), trusted.key + trusted.cert);
  });
  afterAll(async () => {
    for (const child of children) child.kill();
    await rm(folder, { recursive: true, force: true });
  });

  async function startServer(version: string): Promise<number> {
    const certificate = ['-cert', join(folder, 'pem'), '-Verify', '1', '-verify_return_error'];
    const child = spawn('openssl', ['s_server', '-accept', '127.0.0.1:0', version, ...certificate]);
    children.push(child);
    for await (const line of createInterface(child.stdout)) {
      const [, port] = /^ACCEPT .*:(\d+)$/.exec(line) ?? [];
      if (port) return Number(port);
    }
    throw new Error('It has ended before it listened');
  }

  it.each(['-tls1_2', '-tls1_3'])('fails with the error "tls": %s', async (version) => {
    expect(await send(await startServer(version))).toEqual(failed('tls'));
  });
});
