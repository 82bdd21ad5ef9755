import { randomBytes } from 'node:crypto';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { HttpOutcome } from '../../functions/core/http/http-outcome.ts';
import type { Submission } from '../../functions/core/http/submission.ts';
import type { ExchangeRequest } from '../../functions/edge/exchange.ts';
import { createModelStudio } from '../../functions/edge/modelstudio.ts';
import { USER_AGENT } from '../../functions/edge/user-agent.ts';

const UP1 = { jobId: 'job_1', upstreamJobId: 'up-1', totalTasks: 1 };
const LIMITS = { deadlineMillis: 10_000, maxBytes: 5000 };
const generation = {
  model_id: 'm',
  messages: [[{ role: 'user', content: 'hi' }]],
  temperature: 1,
  max_tokens: 2,
};
const submission = { ...generation, webhook_url: null, metadata: {}, expires_in: 600 } as Submission;

const answered = (status: number, body: string | Buffer, more = {}): HttpOutcome => ({
  kind: 'answered',
  ...{ status, headers: {}, body: Buffer.from(body), isTruncated: false, ...more },
});
const CUT: HttpOutcome = { kind: 'cut', code: 'ECONNRESET' };
const report = JSON.stringify({
  job_id: 'up-1',
  job_status: 'completed',
  completed_tasks: 1,
  results: [{ task_index: 0, result: 'r' }],
});
const RUNNING = answered(200, '{"job_id":"up-1","job_status":"running"}');

/** The studio that answers so, each time after so long, and what it was asked. */
function studio(
  answers: HttpOutcome[],
  { key = 'key', baseUrl = 'https://ms.example.com', millis = 0 } = {},
) {
  const asked: ExchangeRequest[] = [];
  let now = 0;
  const modelStudio = createModelStudio({
    ...{ baseUrl, organizationId: 'org', apiKey: { get: async () => key }, clock: { now: () => now } },
    async exchange(request) {
      asked.push(request);
      now += millis;
      return answers[asked.length - 1] ?? CUT;
    },
  });
  return { modelStudio, asked };
}

const HEADERS = {
  authorization: 'Bearer key',
  'content-type': 'application/json',
  accept: 'application/json',
  'accept-encoding': 'identity',
  'user-agent': USER_AGENT,
  traceparent: expect.stringMatching(/^00-bb2632af3674b8f0ebe2e6951cf8aaff-[0-9a-f]{16}-01$/),
};
const generate = new URL('https://ms.example.com/api/v1/organizations/org/generate');

describe('ModelStudio is asked', () => {
  it('to create a job in these words, on a connection of its own', async () => {
    const { modelStudio, asked } = studio([answered(200, '{"job_id":"up-1"}')]);
    await modelStudio.create(submission, UP1);
    const body = JSON.stringify(generation);
    const limits = { deadlineMillis: 20_000, maxBytes: 2 * 2 ** 20 };
    expect(asked).toEqual([{ method: 'POST', url: generate, headers: HEADERS, body, ...limits }]);
  });

  it.each([
    ['https:', HttpsAgent],
    ['http:', HttpAgent],
  ])('for a report in these words, on a connection that was kept: %s', async (protocol, Agent) => {
    const { modelStudio, asked } = studio([RUNNING, RUNNING], { baseUrl: `${protocol}//ms.example.com` });
    for (let i = 0; i < 2; i++) await modelStudio.report(UP1, LIMITS);
    const url = new URL(`${generate}/up-1`);
    url.protocol = protocol;
    const agent = asked[0]?.agent as HttpAgent & { keepAlive: boolean };
    expect(asked).toEqual(Array(2).fill({ method: 'GET', url, headers: HEADERS, agent, ...LIMITS }));
    expect([agent.constructor, agent.keepAlive]).toEqual([Agent, true]);
  });

  it.each([
    [0, 10_000],
    [9000, 1000],
    [9001, null],
    [20_000, null],
  ])('again when a connection was cut after %i ms, in the time that is left', async (millis, left) => {
    const { modelStudio, asked } = studio([CUT, RUNNING], { millis });
    expect(await modelStudio.report(UP1, LIMITS)).toMatchObject({
      kind: left === null ? 'transient_error' : 'running',
    });
    expect(asked.slice(1)).toMatchObject(left === null ? [] : [{ deadlineMillis: left, headers: HEADERS }]);
    expect(asked[1]?.agent).toBe(undefined);
  });

  it('again on a new connection when the one that was kept alive had been closed', async () => {
    const { modelStudio, asked } = studio([{ kind: 'cut', code: 'EPIPE' }, RUNNING]);
    expect(await modelStudio.report(UP1, LIMITS)).toMatchObject({ kind: 'running' });
    expect(asked).toHaveLength(2);
  });

  it.each(['', 'a key', 'key\n', 'schlüssel', '\u0000'])(
    'nothing with a key that cannot be sent: %j',
    async (key) => {
      const { modelStudio, asked } = studio([], { key });
      expect(await modelStudio.create(submission, UP1)).toMatchObject({ kind: 'credentials_refused' });
      expect(asked).toEqual([]);
    },
  );
});

describe('a report', () => {
  it.each(['br', 'BR', ' br '])(
    'that is compressed is read, however that is spelled: "%s"',
    async (encoding) => {
      const headers = { 'content-encoding': encoding };
      const { modelStudio } = studio([answered(200, brotliCompressSync(report), { headers })]);
      expect(await modelStudio.report(UP1, LIMITS)).toMatchObject({ kind: 'completed' });
    },
  );

  it('that is too large when it is compressed is so, too', async () => {
    const compressed = gzipSync(JSON.stringify({ pad: randomBytes(9000).toString('base64') }));
    const body = compressed.subarray(0, LIMITS.maxBytes);
    const { modelStudio } = studio([answered(200, body, { isTruncated: true })]);
    expect(await modelStudio.report(UP1, LIMITS)).toEqual({ kind: 'too_large' });
  });
});
