import { fingerprint, parseSubmission } from '../functions/core/submission.ts';

/**
 * What it costs to take a request in: parse, validate, fingerprint. CPU and heap per conversation must not grow
 * with their number, and the largest body, honest or hostile, must stay well under a second.
 */
const rules = { ports: [], ownHost: null, loopback: false };
const BODY_BYTES = 4 * 1024 * 1024;
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
  const submission = parseSubmission(JSON.parse(body), rules);
  if (!('faults' in submission)) fingerprint(submission);
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

const message = (content: string) => `{"model_id":"m","messages":[[{"role":"user","content":${content}}]]}`;
const bodies: [string, string][] = [
  ['10 conversations of 4 KB', batch(10, 4000)],
  ['100 conversations of 4 KB', batch(100, 4000)],
  ['1000 conversations of 4 KB', batch(1000, 4000)],
  ['4 MiB, one message', message(`"${'x'.repeat(BODY_BYTES - 100)}"`)],
  ['4 MiB, 130 000 messages', batch(1, 0).replace('[{"role":"user","content":""}]', smallConversations())],
  ['4 MiB, hostile: 2 M wrong conversations', `{"messages":[${repeatedTo(BODY_BYTES, () => '1')}]}`],
  ['4 MiB, hostile: 2 M wrong parts', message(`[${repeatedTo(BODY_BYTES, () => '1')}]`)],
  ['4 MiB, hostile: 400 000 unknown fields', `{${repeatedTo(BODY_BYTES, (i) => `"k${i}":1`)}}`],
  ['4 MiB, hostile: 2 M levels deep', '['.repeat(BODY_BYTES / 2) + ']'.repeat(BODY_BYTES / 2)],
];

function smallConversations(): string {
  const conversation = `[${Array(130).fill('{"role":"user","content":""}').join(',')}]`;
  return Array(1000).fill(conversation).join(',');
}

takeIn(batch(1000, 100));
const rows = bodies.map(([name, body]) => ({ name, bytes: body.length, ...measure(body) }));
if (process.argv.includes('--json')) {
  process.stdout.write(`${JSON.stringify(rows)}\n`);
} else {
  for (const { name, cpuMillis, heapMiB } of rows) {
    process.stdout.write(
      `${name.padEnd(42)}${cpuMillis.toFixed(1).padStart(8)} ms CPU${heapMiB.toFixed(1).padStart(8)} MiB heap\n`,
    );
  }
  const [ten, , thousand] = rows;
  const perConversation = (thousand?.cpuMillis ?? 0) / 1000 / ((ten?.cpuMillis ?? 1) / 10);
  process.stdout.write(`CPU per conversation, 1000 against 10: ${perConversation.toFixed(2)} ×\n`);
}
