import { readJson } from '../../functions/core/http/body.ts';
import { fingerprint, parseSubmission } from '../../functions/core/http/submission.ts';
import { BODY_MAX_BYTES } from '../../functions/core/limits.ts';
import { markdownTable } from './flows/markdown.ts';
import type { Part } from './part.ts';

const rules = { ports: [], ownHost: null, loopback: false };
/** Of the largest body, and without what is around its repeated part. */
const BODY_BYTES = BODY_MAX_BYTES - 200;
const RUNS = 15;

function batch(conversations: number, contentLength: number): string {
  const conversation = [{ role: 'user', content: 'x'.repeat(contentLength) }];
  return JSON.stringify({ model_id: 'm', messages: Array(conversations).fill(conversation) });
}

function repeatedTo(bytes: number, unit: (index: number) => string): string {
  const units: string[] = [];
  for (let size = 0, index = 0; size < bytes; index++) {
    const next = unit(index);
    units.push(next);
    size += next.length + 1;
  }
  return units.join(',');
}

function takeIn(body: string): void {
  const parse = (value: unknown) => parseSubmission(value, rules);
  const submission = readJson(
    { headers: { 'content-type': 'application/json' }, body: Buffer.from(body), requestId: '' },
    parse,
  );
  if (!('status' in submission)) fingerprint(submission);
}

/** Median CPU milliseconds, and MiB of heap that one run allocates at the most. */
function measure(body: string): { cpuMillis: number; heapMiB: number } {
  const samples: number[] = [];
  let heapMiB = 0;
  for (let run = 0; run < RUNS; run++) {
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    const start = process.cpuUsage();
    takeIn(body);
    const { user, system } = process.cpuUsage(start);
    samples.push((user + system) / 1000);
    heapMiB = Math.max(heapMiB, (process.memoryUsage().heapUsed - before) / 2 ** 20);
  }
  return { cpuMillis: samples.sort((a, b) => a - b)[RUNS >> 1] ?? 0, heapMiB };
}

function smallConversations(): string {
  const conversation = `[${Array(130).fill('{"role":"user","content":""}').join(',')}]`;
  return Array(1000).fill(conversation).join(',');
}

function bodies(): [name: string, body: string][] {
  const message = (content: string) => `{"model_id":"m","messages":[[{"role":"user","content":${content}}]]}`;
  const many = batch(1, 0).replace('[{"role":"user","content":""}]', smallConversations());
  return [
    ['10 conversations of 4 KB', batch(10, 4000)],
    ['100 conversations of 4 KB', batch(100, 4000)],
    ['1000 conversations of 4 KB', batch(1000, 4000)],
    ['4 MiB, one message', message(`"${'x'.repeat(BODY_BYTES - 100)}"`)],
    ['4 MiB, 130 000 messages', many],
    ['4 MiB, hostile: 2 M wrong conversations', `{"messages":[${repeatedTo(BODY_BYTES, () => '1')}]}`],
    ['4 MiB, hostile: 2 M wrong parts', message(`[${repeatedTo(BODY_BYTES, () => '1')}]`)],
    ['4 MiB, hostile: 1.4 M empty objects', message(`[${repeatedTo(BODY_BYTES, () => '{}')}]`)],
    ['4 MiB, hostile: 400 000 unknown fields', `{${repeatedTo(BODY_BYTES, (i) => `"k${i}":1`)}}`],
    ['4 MiB, hostile: 239 000 members given twice', `[${repeatedTo(BODY_BYTES, () => '{"a":12,"a":1234}')}]`],
    ['4 MiB, hostile: no JSON after 2 M numbers', `[${repeatedTo(BODY_BYTES, () => '1')}x]`],
    ['4 MiB, hostile: 2 M levels deep', '['.repeat(BODY_BYTES / 2) + ']'.repeat(BODY_BYTES / 2)],
  ];
}

/**
 * What it costs to take a request in: parse, validate, fingerprint. CPU and heap per conversation must not grow
 * with their number, and the largest body, honest or hostile, must stay well under a second.
 */
export function run(): Part {
  takeIn(batch(1000, 100));
  const rows = bodies().map(([name, body]) => ({ name, bytes: body.length, ...measure(body) }));
  const lines = rows.map(({ name, cpuMillis, heapMiB }) => [name, cpuMillis.toFixed(1), heapMiB.toFixed(1)]);
  const [ten, , thousand] = rows;
  const perConversation = (thousand?.cpuMillis ?? 0) / 1000 / ((ten?.cpuMillis ?? 1) / 10);
  const text = [
    '# Taking a request in',
    'Parsing, validating and fingerprinting the body of `POST /v1/jobs`: the largest ones, honest and hostile.',
    markdownTable(['body', 'CPU, ms', 'heap, MiB'], lines),
    `CPU per conversation, 1000 against 10: ${perConversation.toFixed(2)} ×.`,
  ].join('\n\n');
  return { name: 'intake', rows, text };
}
