import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FUNCTIONS, REPORT_LIMITS } from '../../../functions/core/limits.ts';
import { type Bundles, bundleFunctions } from '../../../lib/stages/bundle.ts';
import { environment } from '../../../tools/bench/start/environment.ts';
import { startCloud } from './cloud.ts';

const POLLER = {
  name: 'poll',
  memoryMiB: FUNCTIONS.poll.memoryMib,
  batch: 10,
  reportBytes: REPORT_LIMITS.poll.maxBytes,
} as const;
const COLLECTOR = {
  name: 'collect',
  memoryMiB: FUNCTIONS.collect.memoryMib,
  batch: 1,
  reportBytes: REPORT_LIMITS.collect.maxBytes,
} as const;
const SHARE = 0.8;
const QUEUES = ['CREATE_QUEUE_URL', 'POLL_QUEUE_URL', 'COLLECT_QUEUE_URL', 'DELIVER_QUEUE_URL'];

/** Handles one batch as Lambda does, and says what memory the process has taken at the most. */
const HANDLE = `
const { handler } = require(process.argv[1]);
const Records = Array.from({ length: Number(process.argv[2]) }, (_, i) => ({
  messageId: 'm' + i, receiptHandle: 'r', attributes: { ApproximateReceiveCount: '1' },
  body: JSON.stringify({ jobId: 'job_' + i, upstreamJobId: 'up', wakeUp: { seq: 1, token: 't', dueAt: 0 },
    polledAt: 0, recordedToken: 't', pollsSinceRecord: 0 }),
}));
handler({ Records }, {}).then(({ batchItemFailures }) => {
  require('node:fs').writeSync(2, JSON.stringify({
    failures: batchItemFailures.length, rssMiB: process.resourceUsage().maxRSS / 1024 }));
  process.exit(0);
});`;

let bundles: Bundles;
beforeAll(() => {
  bundles = bundleFunctions();
});
afterAll(() => bundles.remove());

type Fn = typeof POLLER | typeof COLLECTOR;

async function handle({ name, memoryMiB, batch }: Fn, report: Buffer, tasks: number) {
  const cloud = await startCloud(report, tasks);
  try {
    const args = [`--max-old-space-size=${Math.floor(memoryMiB * 0.9)}`, '--eval', HANDLE];
    const env = {
      ...environment,
      PATH: process.env['PATH'],
      AWS_ENDPOINT_URL: cloud.url,
      ...Object.fromEntries(QUEUES.map((queue) => [queue, `${cloud.url}/123456789012/${queue}`])),
      MODELSTUDIO_BASE_URL: cloud.url,
      NODE_OPTIONS: '',
    };
    const child = spawn(process.execPath, [...args, `${bundles.folderOf(name)}/index.js`, String(batch)], {
      env,
    });
    let said = '';
    child.stdout.resume();
    child.stderr.setEncoding('utf8').on('data', (text) => (said += text));
    await new Promise((resolve) => child.on('close', resolve));
    const { failures, rssMiB } = JSON.parse(said) as { failures: number; rssMiB: number };
    return { failures, rssMiB, ends: [...new Set(cloud.ends)] };
  } finally {
    cloud.close();
  }
}

/** A report of so many bytes, filled up by what is repeated. */
function reportOf(bytes: number, before: string, unit: string, after: string): Buffer {
  const room = bytes - before.length - after.length;
  return Buffer.from(before + unit.repeat(Math.floor(room / unit.length)) + after);
}

const ENDED = '{"job_status":"completed","results":';
const task = (length: number) =>
  `{"task_index":0,"status":"completed","result":"${'x'.repeat(length)}","error":null}`;

type Shape = [what: string, before: string, unit: string, after: string, end: string | undefined];

/** What takes the most memory, of what is honest and of what is not. */
const worst: Shape[] = [
  ['an honest report of escapes', `${ENDED}[{"task_index":0,"result":"`, '\\u00e9', '"}]}', 'completed'],
  ['words of other languages', `${ENDED}[NaN`, ',NaN', ']}', 'results_unreadable'],
];
const others: Shape[] = [
  ['empty objects', `${ENDED}[{}`, ',{}', ']}', 'results_unreadable'],
  ['one task of many members', `${ENDED}[{"task_index":0,"result":0`, ',"a":0', '}]}', 'completed'],
  ['an honest report', `${ENDED}[{"task_index":0,"result":"`, 'x', '"}]}', 'completed'],
  ['an honest report of more tasks', `${ENDED}[${task(10)}`, `,${task(2000)}`, ']}', 'completed'],
  ['empty lists', `${ENDED}[[]`, ',[]', ']}', 'results_unreadable'],
  ['numbers', `${ENDED}[0`, ',0', ']}', 'results_unreadable'],
  ['many members', `${ENDED}[${task(10)}]`, ',"a":0', '}', 'completed'],
  ['levels', `${ENDED}`, '[', '', undefined],
  ['half a string', `${ENDED}["`, 'x', '', undefined],
];

/** They take minutes of a processor. */
const isLarge = process.env['LARGE_REPORTS'] === 'yes';

describe.each(isLarge ? [POLLER, COLLECTOR] : [POLLER])(
  'a $name with $memoryMiB MiB of memory reads',
  (fn) => {
    it.each(isLarge ? [...worst, ...others] : worst)('%s', async (_what, before, unit, after, end) => {
      const report = reportOf(fn.reportBytes, before, unit, after);
      const { failures, rssMiB, ends } = await handle(fn, report, 1);
      expect(failures).toBe(0);
      if (end !== undefined) expect(ends).toEqual([end]);
      expect(rssMiB).toBeLessThan(SHARE * fn.memoryMiB);
    });
  },
);
