import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it, vi } from 'vitest';
import { signedHeaders } from '../../../functions/core/webhook/signature.ts';
import type { Receiving } from './receiving.ts';

export const newSecret = () => `whsec_${randomBytes(24).toString('base64')}`;

type Headers = Record<string, string>;

interface Sent {
  id?: string;
  /** Signed in the place of the body that goes out as a rule. */
  signedBody?: string;
  /** Signed in the place of the seconds. */
  timestamp?: string;
  /** Without a length, as some proxies send it on. */
  inChunks?: true;
  /** Seconds from now. */
  at?: number;
  text?: string;
  secrets?: string[];
  /** What becomes of it after it was signed. */
  headers?: (headers: Headers) => Headers;
  body?: (body: string) => string;
}

const MINUTE = 60;
const OTHER = newSecret();
const NASTY = 'He said: "it\'s $HOME `id` \\ \n"\u2028 😀 </script> é';

const accepted: [what: string, sent: (secret: string) => Sent][] = [
  ['as it should be', () => ({})],
  ['with any text', () => ({ text: NASTY })],
  ['as long as they get', () => ({ text: 'x'.repeat(250_000) })],
  ['four minutes late', () => ({ at: -4 * MINUTE })],
  ['by a clock four minutes fast', () => ({ at: 4 * MINUTE })],
  ['in chunks', () => ({ inChunks: true, text: 'x'.repeat(100_000) })],
  ['with a second signature, of a later secret', (secret) => ({ secrets: [OTHER, secret] })],
  ['with a second signature, of an earlier secret', (secret) => ({ secrets: [secret, OTHER] })],
  [
    'with a signature of another kind',
    () => ({ headers: (h) => signature(h, (v1) => `v1a,c2hvcnQ= ${v1}`) }),
  ],
];

const refused: [what: string, sent: Sent][] = [
  ['a byte of the body is changed', { body: (body) => body.replace('completed', 'complete_') }],
  ['a byte is added', { body: (body) => `${body} ` }],
  ['the body is empty', { body: () => '' }],
  ['it is six minutes old', { at: -6 * MINUTE }],
  ['it is six minutes ahead', { at: 6 * MINUTE }],
  ['an old one is dated new', { at: -6 * MINUTE, headers: (h) => ({ ...h, ...now() }) }],
  ['it is signed with another secret', { secrets: [OTHER] }],
  ['what is signed is empty', { signedBody: '' }],
  ['what is signed is empty, in chunks', { signedBody: '', inChunks: true }],
  ['what is signed is not JSON', { signedBody: '{"type":' }],
  ['what is signed is not UTF-8, nor JSON', { signedBody: '\u00ff' }],
  ['a timestamp that is no number is signed', { timestamp: 'abc' }],
  ['a timestamp without an end is signed', { timestamp: '9'.repeat(5000) }],
  ['it is signed with nothing', { secrets: ['whsec_'] }],
  ['the id is another', { headers: (h) => ({ ...h, 'webhook-id': 'msg_another' }) }],
  ['there is no id', { headers: ({ 'webhook-id': _, ...rest }) => rest }],
  ['there is no timestamp', { headers: ({ 'webhook-timestamp': _, ...rest }) => rest }],
  ['the timestamp is no number', { headers: (h) => ({ ...h, 'webhook-timestamp': 'soon' }) }],
  ['there is no signature', { headers: ({ 'webhook-signature': _, ...rest }) => rest }],
  ['the signature is empty', { headers: (h) => ({ ...h, 'webhook-signature': 'v1,' }) }],
  ['the signature is no base64', { headers: (h) => ({ ...h, 'webhook-signature': 'v1,é v1 , ,,' }) }],
  ['its version is another', { headers: (h) => signature(h, (v1) => v1.replace('v1,', 'v2,')) }],
  ['the signature is cut', { headers: (h) => signature(h, (v1) => v1.slice(0, -4)) }],
];

const now = () => ({ 'webhook-timestamp': String(Math.floor(Date.now() / 1000)) });
const signature = (headers: Headers, change: (v1: string) => string): Headers => ({
  ...headers,
  'webhook-signature': change(headers['webhook-signature'] ?? ''),
});

function signedAt(timestamp: string, id: string, body: string, secret: string): Headers {
  const hmac = createHmac('sha256', Buffer.from(secret.slice('whsec_'.length), 'base64'));
  const digest = hmac.update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${digest}` };
}

/** What every receiver does. `start` is called once, and gives a receiver that has the secret. */
export function itReceives(start: (secret: string) => Promise<Receiving>): void {
  const secret = newSecret();
  const patience = { timeout: 20_000, interval: 10 };
  let starting: Promise<Receiving> | null = null;
  const receiver = () => {
    starting ??= start(secret);
    return starting;
  };

  async function send(jobId: string, sent: Sent = {}): Promise<number> {
    const { id = `msg_${jobId}`, at = 0, text = 'Hello', secrets = [secret], inChunks } = sent;
    const data = { job_id: jobId, status: 'completed', results: [{ result: text }], results_url: null };
    const event = JSON.stringify({ type: 'job.completed', timestamp: new Date().toISOString(), data });
    const { signedBody: body = event, timestamp } = sent;
    const signed = timestamp
      ? signedAt(timestamp, id, body, secret)
      : signedHeaders(id, Date.now() + at * 1000, body, secrets);
    const changed = sent.body?.(body) ?? body;
    const response = await fetch((await receiver()).url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(sent.headers?.(signed) ?? signed) },
      ...(inChunks ? { body: new Blob([changed]).stream(), duplex: 'half' } : { body: changed }),
    });
    await response.arrayBuffer();
    return response.status;
  }

  async function untilProcessed(jobId: string): Promise<readonly string[]> {
    const { processed } = await receiver();
    await vi.waitFor(async () => expect(await processed()).toContain(jobId), patience);
    return processed();
  }

  /** All that it has worked on, after one more. */
  async function processedByNow(): Promise<readonly string[]> {
    const last = newJobId();
    expect(Math.floor((await send(last)) / 100)).toBe(2);
    return untilProcessed(last);
  }

  async function expectProcessedOnce(jobId: string): Promise<void> {
    // It may work on several at a time, and finish this one after the last.
    await untilProcessed(jobId);
    expect((await processedByNow()).filter((id) => id === jobId)).toEqual([jobId]);
  }

  it.each(accepted)('takes a webhook %s', async (_, sent) => {
    const jobId = newJobId();
    expect(Math.floor((await send(jobId, sent(secret))) / 100)).toBe(2);
    await expectProcessedOnce(jobId);
  });

  it('refuses a webhook if any of its proofs is wrong', async () => {
    const answers = [];
    for (const [what, sent] of refused) {
      const jobId = newJobId();
      answers.push({ what, jobId, kind: Math.floor((await send(jobId, sent)) / 100) });
    }
    expect(answers.filter(({ kind }) => kind !== 4)).toEqual([]);
    const jobIds = await processedByNow();
    expect(answers.filter(({ jobId }) => jobIds.includes(jobId))).toEqual([]);
  });

  it('answers a repeat with a 2xx, and works on it once', async () => {
    const jobId = newJobId();
    for (const at of [0, 1, 2]) expect(Math.floor((await send(jobId, { at })) / 100)).toBe(2);
    await expectProcessedOnce(jobId);
  });

  it('works once on a webhook that comes many times at once', async () => {
    const jobId = newJobId();
    const statuses = await Promise.all(Array.from({ length: 8 }, () => send(jobId)));
    expect(statuses.map((status) => Math.floor(status / 100))).toEqual(statuses.map(() => 2));
    await expectProcessedOnce(jobId);
  });

  it('works on a webhook whose forgery came first', async () => {
    const jobId = newJobId();
    expect(Math.floor((await send(jobId, { secrets: [OTHER] })) / 100)).toBe(4);
    expect(Math.floor((await send(jobId)) / 100)).toBe(2);
    await expectProcessedOnce(jobId);
  });

  it('outlives a sender that is cut off', async () => {
    const { hostname, port, pathname } = new URL((await receiver()).url);
    const socket = connect(Number(port), hostname);
    const head = `POST ${pathname} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`;
    socket.write(head);
    await once(socket, 'ready');
    socket.destroy();
    await once(socket, 'close');
    await processedByNow();
  });
}

const newJobId = () => `job_${randomUUID()}`;
