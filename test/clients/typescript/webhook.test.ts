import { createHmac } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { type Refusal, verifyWebhook, WebhookError } from '../../../clients/typescript/index.ts';
import { clientSecret, signedHeaders } from '../../../functions/core/webhook/signature.ts';
import { clientSecretCases, signatureCases } from '../../core/corpus.ts';

const secretOf = (byte: number) => `whsec_${Buffer.alloc(32, byte).toString('base64')}`;
const SECRET = secretOf(1);
const NOW = new Date('2026-01-01T00:00:00.000Z');
const minutes = (count: number) => count * 60_000;

const EVENT = {
  type: 'job.completed',
  timestamp: '2026-01-01T00:00:00.000Z',
  data: {
    job_id: 'job_1',
    status: 'completed',
    model_id: 'm',
    total_tasks: 1,
    completed_tasks: 1,
    failed_tasks: 0,
    metadata: { order: '1' },
    results: [{ task_index: 0, status: 'completed', result: 'Grüße 😀', error: null }],
    results_url: null,
    error: null,
  },
};
const BODY = JSON.stringify(EVENT);
const HEADERS = signedHeaders('msg_1', NOW.getTime(), BODY, [SECRET]);

const verify = (
  body: unknown = BODY,
  headers: object = HEADERS,
  secrets: string | readonly string[] = SECRET,
  now = NOW,
) => verifyWebhook(body as string, headers as Headers, secrets, { now });

describe('a webhook is verified', () => {
  it.each(signatureCases)('as the vector $name says', async ({ secret, id, timestamp, body, signature }) => {
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signature,
    };
    const now = new Date(timestamp * 1000);
    const verifying = verify(body, headers, secret, now);
    if (body === '') await expect(verifying).rejects.toMatchObject({ reason: 'body_missing' });
    else expect(await verifying).toEqual(JSON.parse(body));
    await expect(verify(`${body || 'x'}0`, headers, secret, now)).rejects.toBeInstanceOf(WebhookError);
  });

  it.each(clientSecretCases)('by the secret of the client $client, generation $generation', async (each) => {
    const signing = clientSecret(each.root, each.client, each.generation);
    expect(await verify(BODY, signedHeaders('msg_1', NOW.getTime(), BODY, [signing]), each.secret)).toEqual(
      EVENT,
    );
  });

  const bytes = new TextEncoder().encode(BODY);
  it.each<[string, unknown, object]>([
    ['bytes', bytes, HEADERS],
    ['a Buffer, which may be a part of another', Buffer.from(`x${BODY}`).subarray(1), HEADERS],
    ['an ArrayBuffer', bytes.buffer, HEADERS],
    ['Headers', BODY, new Headers(HEADERS)],
    [
      'names in capitals',
      BODY,
      Object.fromEntries(Object.entries(HEADERS).map(([name, value]) => [name.toUpperCase(), value])),
    ],
    [
      'lists of values',
      BODY,
      Object.fromEntries(Object.entries(HEADERS).map(([name, value]) => [name, [value]])),
    ],
  ])('given %s', async (_what, body, headers) => expect(await verify(body, headers)).toEqual(EVENT));

  it.each<[string, string[], string | string[], string]>([
    ['while the secret is being changed, by the old one', [secretOf(2), SECRET], SECRET, ' '],
    ['by the new one', [SECRET, secretOf(2)], SECRET, ' '],
    ['by a receiver that knows both', [SECRET], [secretOf(3), SECRET], ' '],
    ['although a proxy has joined its header by commas', [secretOf(2), SECRET], SECRET, ', '],
  ])('%s', async (_what, signing, known, between) => {
    const headers = signedHeaders('msg_1', NOW.getTime(), BODY, signing);
    const joined = headers['webhook-signature'].replaceAll(' ', between);
    expect(await verify(BODY, { ...headers, 'webhook-signature': joined }, known)).toEqual(EVENT);
  });

  it.each([-5, 5])('when the clock is %i minutes off', async (off) => {
    const now = new Date(NOW.getTime() + minutes(off));
    expect(await verify(BODY, HEADERS, SECRET, now)).toEqual(EVENT);
  });
});

const { 'webhook-signature': SIGNATURE, ...UNSIGNED } = HEADERS;
const sorted = (value: object) =>
  Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => a.localeCompare(b)));

describe('a refusal says what is wrong:', () => {
  it.each<[mistake: string, reason: Refusal, sentence: RegExp, ...Parameters<typeof verify>]>([
    [
      'express.json() came first',
      'body_parsed',
      /^The body is an object: it was parsed before\. .*express\.raw/,
      EVENT,
    ],
    ['the body was not awaited', 'body_parsed', /^The body is a promise: await it/, Promise.resolve(BODY)],
    ['the body was read before', 'body_missing', /^The body is empty: something has read it before/, ''],
    [
      'JSON.stringify(request.body, null, 2)',
      'body_rewritten',
      /^The body was parsed and written again/,
      JSON.stringify(EVENT, null, 2),
    ],
    [
      'json.dumps, which escapes and adds spaces',
      'body_rewritten',
      /^The body was parsed and written again/,
      BODY.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).replaceAll(
        '":',
        '": ',
      ),
    ],
    [
      'a map that sorts names',
      'body_rewritten',
      /^The body was parsed and written again/,
      JSON.stringify(sorted({ ...EVENT, data: sorted(EVENT.data) })),
    ],
    ['a line break was added', 'body_rewritten', /^Spaces or line breaks were added/, `${BODY}\n`],
    [
      'a Lambda function with isBase64Encoded',
      'body_misread',
      /^The body is still in base64/,
      Buffer.from(BODY).toString('base64'),
    ],
    [
      'decoded as Latin-1',
      'body_misread',
      /^The body was decoded as Latin-1/,
      Buffer.from(BODY).toString('latin1'),
    ],
    [
      'chunks decoded one by one',
      'body_misread',
      /^The body is not UTF-8 any more/,
      BODY.replace('ü', '\ufffd\ufffd'),
    ],
    [
      'a body that was cut at a limit',
      'body_misread',
      /^The body is not JSON: it was cut/,
      BODY.slice(0, 100),
    ],
    [
      'an altered body',
      'signature_mismatch',
      /another secret.*or the body, the webhook-id .* altered/,
      BODY.replace('completed', 'failed'),
    ],
    [
      "another webhook's id",
      'signature_mismatch',
      /the webhook-id/,
      BODY,
      { ...HEADERS, 'webhook-id': 'msg_2' },
    ],
    [
      "another client's secret",
      'signature_mismatch',
      /^The signature was not made with the secret: .* another client/,
      BODY,
      HEADERS,
      secretOf(2),
    ],
    [
      'two other secrets',
      'signature_mismatch',
      /^The signature was not made with any of the 2 secrets/,
      BODY,
      HEADERS,
      [secretOf(2), secretOf(3)],
    ],
    [
      'no variable is set',
      'secret_missing',
      /^The secret is missing: is the variable set/,
      BODY,
      HEADERS,
      null as never,
    ],
    ['an empty variable', 'secret_missing', /^The secret is missing/, BODY, HEADERS, ['']],
    [
      'the old one of two is not set',
      'secret_missing',
      /^Secret 2 of 2 is missing: is the variable set/,
      BODY,
      HEADERS,
      [SECRET, undefined as never],
    ],
    [
      'the new one of two in quotes',
      'secret_malformed',
      /^Secret 1 of 2 is not whsec_ and base64/,
      BODY,
      HEADERS,
      [`"${SECRET}"`, SECRET],
    ],
    ['no secrets', 'secret_missing', /^The secret is missing/, BODY, HEADERS, []],
    [
      'the client key as secret',
      'secret_malformed',
      /^The secret is a client key: .*whsec_/,
      BODY,
      HEADERS,
      'msj_a_b',
    ],
    [
      'the secret without whsec_',
      'secret_malformed',
      /^The secret is not whsec_ and base64/,
      BODY,
      HEADERS,
      SECRET.slice(6),
    ],
    ['the secret in quotes', 'secret_malformed', /without quotes$/, BODY, HEADERS, `"${SECRET}"`],
    [
      'a secret that was cut',
      'secret_malformed',
      /^The secret is not whsec_ and base64/,
      BODY,
      HEADERS,
      'whsec_abcde',
    ],
    ['a header is missing', 'header_missing', /^The header webhook-signature is missing/, BODY, UNSIGNED],
    ['no headers', 'header_missing', /^The header webhook-id is missing/, BODY, {}],
    [
      'a scheme of others',
      'signature_malformed',
      /^The webhook-signature is not v1, and base64/,
      BODY,
      { ...HEADERS, 'webhook-signature': 'sha256=abc' },
    ],
    [
      'a signature that was cut',
      'signature_malformed',
      /^The webhook-signature is not v1, and base64: it was cut/,
      BODY,
      { ...HEADERS, 'webhook-signature': SIGNATURE.slice(0, 40) },
    ],
    [
      'JSON that is nested too deep to be written again',
      'body_rewritten',
      /^The body was parsed and written again, or is not of modelstudio-jobs/,
      '['.repeat(50_000) + ']'.repeat(50_000),
    ],
    [
      'the scheme of tomorrow',
      'version_unknown',
      /^The webhook-signature is v2, and only v1 is known/,
      BODY,
      { ...HEADERS, 'webhook-signature': SIGNATURE.replace('v1', 'v2') },
    ],
    [
      'a clock that is slow',
      'clock_behind',
      /^The webhook was signed 9 minutes from now: the clock here is 9 minutes slow/,
      BODY,
      HEADERS,
      SECRET,
      new Date(NOW.getTime() - minutes(9)),
    ],
    [
      'a clock that is fast, or a replay',
      'too_old',
      /^The webhook was signed 9 minutes ago: .*, or the clock here is 9 minutes fast/,
      BODY,
      HEADERS,
      SECRET,
      new Date(NOW.getTime() + minutes(9)),
    ],
    [
      'a replay after a day',
      'too_old',
      /signed 24 hours ago/,
      BODY,
      HEADERS,
      SECRET,
      new Date(NOW.getTime() + minutes(1440)),
    ],
    [
      'a timestamp without a number',
      'signature_mismatch',
      /webhook-timestamp/,
      BODY,
      { ...HEADERS, 'webhook-timestamp': 'now' },
    ],
    [
      'signed, but no JSON',
      'not_an_event',
      /^The signature is right, but the body is not JSON/,
      'hello',
      signedHeaders('msg_1', NOW.getTime(), 'hello', [SECRET]),
    ],
  ])('%s', async (_mistake, reason, sentence, ...given) => {
    const error = await verify(...given).catch((error) => error);
    expect(error).toBeInstanceOf(WebhookError);
    expect([error.reason, error.message]).toEqual([reason, expect.stringMatching(sentence)]);
    expect(error.message).not.toContain(SECRET);
  });

  it('headers that are not there are said to be missing', async () => {
    const refusing = verifyWebhook(BODY, undefined as never, SECRET, { now: NOW });
    await expect(refusing).rejects.toMatchObject({ reason: 'header_missing' });
  });

  it.each<[string, string]>([
    ['signatures', `${'v1,'.padEnd(46, 'A')}= `.repeat(300)],
    ['signatures that are cut', 'v1,AA '.repeat(2600)],
    ['digits', `v${'1'.repeat(100_000)}`],
  ])('a stranger who lists many %s costs no more than one', { timeout: 5000 }, async (_what, list) => {
    const signing = vi.spyOn(crypto.subtle, 'sign');
    const verifying = vi.spyOn(crypto.subtle, 'verify');
    const headers = { ...HEADERS, 'webhook-signature': list };
    await expect(verify('x'.repeat(100_000), headers)).rejects.toBeInstanceOf(WebhookError);
    // The body as it came, without spaces, and as Latin-1.
    expect(signing.mock.calls.length + verifying.mock.calls.length).toBeLessThanOrEqual(4);
    vi.restoreAllMocks();
  });

  it('a tolerance that is no number does not let everything through', async () => {
    const refusing = verifyWebhook(BODY, HEADERS, SECRET, { now: NOW, toleranceSeconds: Number.NaN });
    await expect(refusing).rejects.toThrow('toleranceSeconds must be a number of seconds');
  });

  it('a signed timestamp that is no number is never in time', async () => {
    const headers = signedHeaders('msg_1', NOW.getTime(), BODY, [SECRET]);
    const content = `msg_1.soon.${BODY}`;
    const signature = createHmac('sha256', Buffer.alloc(32, 1)).update(content).digest('base64');
    const signed = { ...headers, 'webhook-timestamp': 'soon', 'webhook-signature': `v1,${signature}` };
    await expect(verify(BODY, signed)).rejects.toMatchObject({ reason: 'timestamp_malformed' });
  });
});
