import { readFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { RecordedCall } from './replay.ts';

export interface Invocations {
  file: string;
  event: object;
  warmUps: number;
  count: number;
  /** The URL of the stub, which then says what calls an invocation makes. */
  recordedBy?: string;
}

const RECORDED = 5;

const { file, event, warmUps, count, recordedBy } = JSON.parse(readFileSync(0, 'utf8')) as Invocations;
const { handler } = createRequire(import.meta.url)(file);

async function invoke(): Promise<void> {
  const { statusCode = 200, batchItemFailures = [] } = (await handler(event, {})) ?? {};
  if (statusCode >= 300 || batchItemFailures.length > 0)
    throw new Error(`The invocation failed: ${statusCode}`);
}

/** Now and then one more call is made, to read again what is cached. */
async function recordedCalls(url: string): Promise<RecordedCall[][]> {
  const each: RecordedCall[][][] = [];
  for (let i = 0; i < RECORDED; i++) {
    await fetch(url, { method: 'POST' });
    await invoke();
    each.push((await (await fetch(url)).json()) as RecordedCall[][]);
  }
  const [fewest = []] = each.toSorted((a, b) => a.flat().length - b.flat().length);
  return fewest;
}

for (let i = 0; i < warmUps; i++) await invoke();
const before = process.cpuUsage();
for (let i = 0; i < count; i++) await invoke();
const { user, system } = process.cpuUsage(before);
const calls = recordedBy === undefined ? [] : await recordedCalls(recordedBy);
writeSync(3, JSON.stringify({ cpuMillis: (user + system) / 1000 / count, calls }));
process.exit(0);
