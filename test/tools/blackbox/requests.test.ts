import { createHash } from 'node:crypto';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Sandbox, startSandbox } from '../../../tools/local/sandbox/server.ts';
import cases from './corpus/requests.json' with { type: 'json' };
import { call, type LocalSystem, startLocally, submission, upstreamEnv } from './system.ts';

/** One request and the status that it must get; `sequence` are the requests sent before it. */
interface Case {
  name: string;
  expect: number;
  method?: string;
  path?: string;
  path_repeat?: Repeat;
  headers?: Record<string, string | null>;
  body?: unknown;
  body_repeat?: { path: string; item: unknown; count: number };
  raw?: string;
  raw_b64?: string;
  raw_repeat?: { prefix: string; unit: string; count: number; mid?: string; unit2?: string; suffix: string };
  header_repeat?: { name: string } & Repeat;
  sequence?: Omit<Case, 'name'>[];
  concurrent_with?: unknown;
}
interface Repeat {
  unit: string;
  count: number;
}

let sandbox: Sandbox;
let system: LocalSystem;
let placeholders: Record<string, string>;

beforeAll(async () => {
  sandbox = await startSandbox();
  system = await startLocally(upstreamEnv(sandbox));
  const [key, otherKey] = system.client_keys;
  const other = { authorization: `Bearer ${otherKey}` };
  const foreign = await call(system, 'POST', '/v1/jobs', submission('sandbox-instant', 'theirs'), other);
  placeholders = {
    VALID_KEY: key,
    VALID_KEY_MINUS_LAST_CHAR: key.slice(0, -1),
    VALID_KEY_SWAPCASE: [...key]
      .map((c) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase()))
      .join(''),
    SHA256_HEX_OF_VALID_KEY: createHash('sha256').update(key).digest('hex'),
    OTHER_TENANT_KEY: otherKey,
    OTHER_TENANT_JOB_ID: foreign.json.job_id,
    REVOKED_KEY: system.revoked_key,
    READ_ONLY_KEY: system.read_only_key,
  };
});

afterAll(async () => {
  await Promise.all([system?.stop(), sandbox?.close()]);
});

function filled(text: string): string {
  return text.replace(/\{([A-Z0-9_]+)\}/g, (whole, name) => placeholders[name] ?? whole);
}

function bodyOf(request: Omit<Case, 'name'>): Buffer | undefined {
  const { body, raw, raw_b64, raw_repeat, body_repeat } = request;
  if (raw_b64 !== undefined) return Buffer.from(raw_b64, 'base64');
  if (raw !== undefined) return Buffer.from(raw);
  if (raw_repeat) {
    const { prefix, unit, count, mid = '', unit2 = '', suffix } = raw_repeat;
    return Buffer.from(prefix + unit.repeat(count) + mid + unit2.repeat(count) + suffix);
  }
  if (body_repeat) return Buffer.from(JSON.stringify(repeated(body_repeat)));
  return body === undefined ? undefined : Buffer.from(JSON.stringify(body));
}

function repeated({ path, item, count }: NonNullable<Case['body_repeat']>): unknown {
  const body = submission('sandbox-instant', 'hi');
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  // biome-ignore lint/suspicious/noExplicitAny: the path leads anywhere
  const parent = keys.reduce<any>((value, key) => value[key], body);
  parent[last] = Array(count).fill(item);
  return body;
}

function headersOf(request: Omit<Case, 'name'>, inherited: Case['headers']): Record<string, string> {
  const defaults = { Authorization: 'Bearer {VALID_KEY}', 'Content-Type': 'application/json' };
  const all: Case['headers'] = { ...defaults, ...inherited, ...request.headers };
  const { header_repeat } = request;
  if (header_repeat) all[header_repeat.name] = header_repeat.unit.repeat(header_repeat.count);
  const given = Object.entries(all).flatMap(([name, value]) =>
    value === null ? [] : [[name, filled(value)]],
  );
  return Object.fromEntries(given);
}

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

function send(request: Omit<Case, 'name'>, inherited?: Case['headers']): Promise<Answer> {
  const { method = 'POST', path = '/v1/jobs', path_repeat } = request;
  const url = system.api_url + filled(path) + (path_repeat ? path_repeat.unit.repeat(path_repeat.count) : '');
  const body = bodyOf(request);
  return new Promise((resolve, reject) => {
    const length = body ? { 'content-length': body.length } : {};
    const outgoing = httpRequest(url, { method, headers: { ...headersOf(request, inherited), ...length } });
    outgoing.on('error', reject);
    outgoing.on('response', async (response) => {
      let text = '';
      for await (const chunk of response.setEncoding('utf8')) text += chunk;
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
    });
    outgoing.end(body);
  });
}

async function play(request: Case): Promise<Answer> {
  for (const before of request.sequence ?? []) {
    expect((await send(before, request.headers)).status, `before ${request.name}`).toBe(before.expect);
  }
  if (request.concurrent_with === undefined) return send(request);
  // Long enough for a second environment to start on a loaded machine.
  sandbox.faults.delayMilliseconds = 5000;
  const body = request.concurrent_with;
  const both = await Promise.all([send({ body, expect: 202 }, request.headers), send(request)]);
  sandbox.faults.delayMilliseconds = 0;
  // Which of the two comes first is open.
  const [winner, loser] = both.sort((a, b) => a.status - b.status);
  expect(winner?.status).toBe(202);
  return loser as Answer;
}

describe('every request of the corpus gets its answer', () => {
  it.each(cases as unknown as Case[])('$name: $expect', async (request) => {
    const answer = await play(request);
    expect(answer.status, answer.body.slice(0, 500)).toBe(request.expect);
    if (request.method === 'HEAD') return expect(answer.body).toBe('');
    const json = JSON.parse(answer.body);
    if (answer.status < 400) return expect(json).toHaveProperty(request.method === 'GET' ? 'jobs' : 'job_id');
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(json).toMatchObject({ status: request.expect, request_id: expect.any(String) });
    if (answer.status === 400) expect(json.errors.length).toBeGreaterThan(0);
    if (answer.status === 409) expect(answer.headers['retry-after']).toBeDefined();
  });
});
