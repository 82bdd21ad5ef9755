import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, type LocalSystem, startLocally } from './system.ts';

let system: LocalSystem;

beforeAll(async () => {
  system = await startLocally();
});

afterAll(() => system?.stop());

const asOther = () => ({ authorization: `Bearer ${system.client_keys[1]}` });

const LINES = '[{"role":"user","content":"Hello"}]\n[{"role":"user","content":"Bye"}]\n';
const sha256Of = (text: string) => createHash('sha256').update(text).digest('hex');

interface Begun {
  upload_id: string;
  method: string;
  url: string;
  headers: Record<string, string>;
}

async function begin(fields: object = {}, headers = {}): Promise<Begun> {
  const body = { bytes: LINES.length, format: 'jsonl', ...fields };
  const { status, json } = await call(system, 'POST', '/v1/uploads', body, headers);
  expect(status, JSON.stringify(json)).toBe(201);
  return json;
}

/** As any HTTP client does it, which knows nothing of AWS. */
async function send({ method, url, headers }: Begun, body: string) {
  const answer = await fetch(url, { method, headers, body });
  const [, code = ''] = /<Code>(.*?)<\/Code>/.exec(await answer.text()) ?? [];
  return [answer.status, code];
}

const remove = (uploadId: string, headers = {}) =>
  call(system, 'DELETE', `/v1/uploads/${uploadId}`, undefined, headers);

describe('a file that is uploaded', () => {
  it('is taken once', async () => {
    const upload = await begin();
    expect(upload.headers['content-length']).toBe(String(LINES.length));
    expect(await send(upload, LINES)).toEqual([200, '']);
    expect(await send(upload, LINES)).toEqual([412, 'PreconditionFailed']);
  });

  it.each([
    ['larger than was said', `${LINES}\n`],
    ['smaller', LINES.slice(1)],
  ])('is refused by the bucket if it is %s', async (_what, lines) => {
    const upload = await begin();
    const headers = { ...upload.headers, 'content-length': String(lines.length) };
    expect(await send({ ...upload, headers }, lines)).toEqual([403, 'SignatureDoesNotMatch']);
    expect(await send(upload, LINES)).toEqual([200, '']);
  });

  it('is refused by the bucket if it has another hash than was said', async () => {
    const upload = await begin({ sha256: sha256Of(LINES) });
    expect(await send(upload, LINES.replace('Bye', 'bye'))).toEqual([400, 'BadDigest']);
    const { 'x-amz-checksum-sha256': _, ...headers } = upload.headers;
    expect(await send({ ...upload, headers }, LINES)).toEqual([403, 'SignatureDoesNotMatch']);
    expect(await send(upload, LINES)).toEqual([200, '']);
  });

  it('need not be sent again if its hash is said', async () => {
    const lines = LINES.replace('Hello', 'Hallo');
    const file = { sha256: sha256Of(lines) };
    const upload = await begin(file);
    expect((await begin(file)).upload_id).toBe(upload.upload_id);
    expect(await send(upload, lines)).toEqual([200, '']);
    const { upload_id } = upload;
    expect(await begin(file)).toEqual({
      upload_id,
      method: 'PUT',
      url: null,
      headers: null,
      expires_at: null,
    });
    expect((await begin(file, asOther())).upload_id).not.toBe(upload_id);
  });
});

describe('an upload', () => {
  it("is deleted by its client alone, to whom others' are unknown", async () => {
    const { upload_id } = await begin();
    const { json: unknown } = await remove('upload_00000000000000000000000000');
    const { status, json } = await remove(upload_id, asOther());
    expect([status, json]).toEqual([404, { ...unknown, request_id: json.request_id }]);
    expect(json.code).toBe('upload_not_found');
    expect((await remove(upload_id)).status).toBe(204);
    expect((await remove(upload_id)).json.code).toBe('upload_not_found');
  });

  it('needs the scope to write, and a method that there is', async () => {
    const reader = { authorization: `Bearer ${system.read_only_key}` };
    const body = { bytes: 1, format: 'json' };
    expect((await call(system, 'POST', '/v1/uploads', body, reader)).json.code).toBe('insufficient_scope');
    expect((await remove('upload_1', reader)).json.code).toBe('insufficient_scope');
    const { status, headers } = await call(system, 'GET', '/v1/uploads/upload_1');
    expect([status, headers.get('allow')]).toEqual([405, 'DELETE']);
    expect((await call(system, 'GET', '/v1/uploads')).headers.get('allow')).toBe('POST');
  });

  it('is one of 20 that may be unused, however many are asked for at the same moment', async () => {
    const body = { bytes: 1, format: 'json' };
    const asks = Array.from({ length: 21 }, () => call(system, 'POST', '/v1/uploads', body, asOther()));
    const answers = await Promise.all(asks);
    const refused = answers.filter(({ status }) => status !== 201);
    // The test before has asked for one with the same key.
    expect(refused.map(({ status, json }) => [status, json.code])).toEqual(
      Array(2).fill([429, 'too_many_uploads']),
    );
    expect(refused[0]?.headers.get('retry-after')).toBe('3600');
  });
});
