import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { call, type LocalSystem, startLocally, submission } from './system.ts';

/** Answers each create by the model's name; keeps count. */
const creates = new Map<string, number>();
let server: Server;
let system: LocalSystem;

const replies: Record<string, (response: ServerResponse) => void> = {
  busy: (response) => response.writeHead(429, { 'retry-after': '17' }).end(),
  'too-busy': (response) => response.writeHead(429, { 'retry-after': '300' }).end(),
  down: (response) => response.writeHead(503).end(),
  'wrong-key': (response) => response.writeHead(401).end('{"error":"bad key msk-secret"}'),
  forbidden: (response) => response.writeHead(403).end(),
  unknown: (response) => response.writeHead(404).end('{"detail":"Model unknown does not exist"}'),
  nowhere: (response) => response.writeHead(404).end('default backend - 404'),
  moved: (response) => response.writeHead(302, { location: 'https://login.example.com/' }).end(),
  unpaid: (response) => response.writeHead(402).end('{"detail":"Credits used up"}'),
  invalid: (response) => response.writeHead(400).end('{"error":"temperature is off"}'),
  broken: (response) => response.writeHead(500).end('stack trace'),
  garbage: (response) => response.writeHead(200).end('<html>'),
  cut: (response) => response.destroy(),
  silent: () => undefined,
};

beforeAll(async () => {
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    const model = JSON.parse(body).model_id as string;
    creates.set(model, (creates.get(model) ?? 0) + 1);
    replies[model]?.(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  system = await startLocally({
    MODELSTUDIO_BASE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    MODELSTUDIO_ORGANIZATION_ID: 'org_test',
    MODELSTUDIO_API_KEY: 'msk-secret',
  });
});

afterAll(async () => {
  await system?.stop();
  server?.close();
  server?.closeAllConnections();
});

const refused: [string, number, string, number][] = [
  ['busy', 503, 'modelstudio_unavailable', 1],
  ['down', 503, 'modelstudio_unavailable', 1],
  ['wrong-key', 502, 'modelstudio_rejected', 2],
  ['forbidden', 502, 'modelstudio_rejected', 1],
  ['unknown', 404, 'model_not_found', 1],
  ['nowhere', 502, 'modelstudio_refused', 1],
  ['moved', 502, 'modelstudio_refused', 1],
  ['unpaid', 502, 'modelstudio_refused', 1],
  ['invalid', 400, 'modelstudio_invalid_request', 1],
];
it.concurrent.each(refused)(
  "a refusal of ModelStudio's is answered and nothing is kept: %s, %d %s",
  async (model, status, code, calls) => {
    const headers = { 'idempotency-key': model };
    const body = { ...submission(model, 'hi'), queue_for: 0 };
    const first = await call(system, 'POST', '/v1/jobs', body, headers);
    expect([first.status, first.json.code]).toEqual([status, code]);
    expect(JSON.stringify(first.json)).not.toContain('msk-secret');
    if (status === 503) expect(Number(first.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(creates.get(model)).toBe(calls);
    // The key is free again: the repeat is a new attempt.
    await call(system, 'POST', '/v1/jobs', body, headers);
    expect(creates.get(model)).toBe(2 * calls);
  },
);

it.concurrent.each(['broken', 'garbage', 'cut', 'silent'])(
  'a create with an unknown outcome is answered with 504 and never repeated: %s',
  async (model) => {
    const headers = { 'idempotency-key': model };
    // Those that may wait do so while others do.
    const body = { ...submission(model, 'hi'), queue_for: 0 };
    const first = await call(system, 'POST', '/v1/jobs', body, headers);
    expect([first.status, first.json.code]).toEqual([504, 'submission_unknown']);
    const again = await call(system, 'POST', '/v1/jobs', body, headers);
    expect(again.status).toBe(202);
    expect(again.json).toMatchObject({
      job_id: first.json.job_id,
      status: 'failed',
      error: { code: 'submission_unknown' },
    });
    expect(creates.get(model)).toBe(1);
  },
);

it('a refusal for now is answered with 202 if the job may wait, and a repeat finds it where it waits', async () => {
  const headers = { 'idempotency-key': 'waiting' };
  const body = submission('too-busy', 'hi');
  const first = await call(system, 'POST', '/v1/jobs', body, headers);
  expect([first.status, first.json.status]).toEqual([202, 'queued']);
  expect(Number(first.headers.get('retry-after'))).toBeGreaterThan(0);
  const again = await call(system, 'POST', '/v1/jobs', body, headers);
  expect(again.json).toMatchObject({ job_id: first.json.job_id, status: 'queued' });
  expect(again.headers.get('idempotency-replayed')).toBe('true');
  expect(creates.get('too-busy')).toBe(1);
});
