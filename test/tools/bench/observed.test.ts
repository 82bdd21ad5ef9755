import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { billedMillis } from '../../../tools/bench/cost/bill.ts';
import type { Deployment } from '../../../tools/bench/cost/deployment.ts';
import { countsOf, OBSERVED_QUERY, observedIn, readObserved } from '../../../tools/bench/cost/observed.ts';
import { ask } from '../docs/insights.ts';

/** Of a poller and a deliverer: both write lines that are called `batch`. */
const LOG = [
  ...[
    { message: 'submit', duration_ms: 300 },
    { message: 'submit', part_of: 'job_1' },
  ],
  ...[
    { message: 'finish' },
    { message: 'finish', part_of: 'job_1' },
    { message: 'deliver', duration_ms: 200 },
  ],
  { message: 'batch', '@log': '1:Jobs-PollPollerLogs1A-2b', duration_ms: 70, invocations: 3, Polls: 4 },
  { message: 'batch', '@log': '1:Jobs-DeliverFunctionLogs1A-2b', duration_ms: 9000, invocations: 40 },
].map((line) => ({ '@message': JSON.stringify(line), ...line }));

const CSV = `message,lines,bytes,millis,invocations,polls
submit,1000,480000,353000,,
batch,900,400000,250000,3800,4100
finish,990,630000,,,
deliver,1005,670000,230000,,
`;
const [HEAD = '', ...LINES] = CSV.trimEnd().split('\n');
const ROWS = LINES.map((line) => line.split(',')).map((cells) =>
  Object.fromEntries(HEAD.split(',').map((name, i) => [name, cells[i] ?? ''])),
);
const answered = ROWS.map((row) => Object.entries(row).map(([field, value]) => ({ field, value })));

describe("an export of a deployment's log", () => {
  it.each([
    ['as CSV', CSV],
    [
      'as CSV with quotes, a mark and carriage returns',
      `\uFEFF${CSV.replaceAll(/[a-z]+/g, '"$&"').replaceAll('\n', '\r\n')}`,
    ],
    ['as JSON', JSON.stringify(ROWS)],
    ["as the API's answer", JSON.stringify({ status: 'Complete', results: answered })],
    ["as the API's answer with a mark", `\uFEFF${JSON.stringify({ results: answered })}`],
    ['as JSON with nulls', JSON.stringify(ROWS).replaceAll('""', 'null')],
    ['with large numbers as Insights writes them', CSV.replace('353000', '3.53E5')],
  ])('is read %s', (_how, text) => {
    const { submit, batch, finish, deliver } = observedIn(text);
    expect([
      submit.lines,
      batch.invocations,
      batch.polls,
      finish.lines,
      deliver.millis,
      submit.polls,
    ]).toEqual([1000, 3800, 4100, 990, 230_000, 0]);
  });

  it.each([
    ['that is empty', '', 'has no rows'],
    ['without a column', CSV.replaceAll(/,[^,\n]*$/gm, ''), 'lacks polls'],
    ['of another query', '@timestamp,outcome\n2026-01-01,created', 'lacks message, lines, bytes'],
    ['without a stage', CSV.replace(/deliver.*\n/, ''), 'no row of the message deliver'],
    ['with a word where a number belongs', CSV.replace('3800', 'many'), 'no number as invocations of batch'],
    ['with a number without end', CSV.replace('3800', '1e999'), 'no number as invocations of batch'],
    ['whose last line is cut off', CSV.slice(0, CSV.indexOf('000,230000,')), 'may be cut off'],
    [
      'with a row for each hour',
      CSV.replace(/(submit.*\n)/, '$1$1'),
      'several rows of the message submit: export one result',
    ],
    [
      'of a query that still runs',
      JSON.stringify({ status: 'Running', results: answered }),
      'status Running',
    ],
    ['of a query that has failed', JSON.stringify({ status: 'Failed', results: [] }), 'status Failed'],
    ['with a row of nothing', '{"results": [[null]]}', 'no list of rows'],
    ['that is half a JSON', '[{', 'begins like JSON and is none'],
    ['that is another JSON', '{"a": 1}', 'no list of rows'],
  ])('is refused %s, and why is said', (_what, text, sentence) => {
    expect(() => observedIn(text)).toThrow(sentence);
  });

  it('counts neither parts as jobs nor deliveries as polls', () => {
    const { submit, batch, finish, deliver } = observedIn(JSON.stringify(ask(OBSERVED_QUERY, LOG)));
    expect([submit.lines, finish.lines, deliver.lines]).toEqual([1, 1, 1]);
    expect(batch).toMatchObject({ lines: 1, millis: 70, invocations: 3, polls: 4 });
    expect(finish.bytes).toBe('{"message":"finish"}'.length);
  });

  it('is read in UTF-16, as PowerShell writes it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'modelstudio-jobs-observed-'));
    const file = join(folder, 'export.csv');
    await writeFile(file, `\uFEFF${CSV}`, 'utf16le');
    const { finish } = await readObserved(file);
    await rm(folder, { recursive: true });
    expect(finish.lines).toBe(990);
  });

  describe("takes the place of the model's counts", () => {
    const model = {
      'http.requests': 150,
      'lambda.requests.submit': 100,
      'exchanges.webhook': 100,
      'exchanges.report': 400,
      'lambda.requests.poll': 200,
      'lambda.requests.deliver': 50,
      'lambda.millis.deliver': 13_000,
      'sqs.sends': 400,
      'dynamodb.writes.jobs': 500,
      'dynamodb.reads.jobs': 600,
    };
    const deployment = { memoryMiB: { poll: 1769 } as Deployment['memoryMiB'] };
    const counted = (text = CSV) => countsOf(observedIn(text), model, 100, deployment);

    it('as far as it goes', () => {
      expect(counted()).toMatchObject({
        'lambda.requests.submit': 1000,
        'lambda.requests.poll': 3800,
        'sqs.receives.poll': 3800,
        'dynamodb.writes.jobs': 4950,
        'dynamodb.reads.jobs': 5940 - 3960 + 4100,
        'logs.bytes': 2_180_000,
      });
      expect(() => counted(CSV.replace('990', '0'))).toThrow('no job has ended');
    });

    it('with the sends of an invocation of its poller', () => {
      expect(counted()['sqs.sends']).toBe(1000 + 1.5 * 3800);
    });

    it('without billing the work of a poll twice, which is part of its time', () => {
      expect(billedMillis(counted(), 'poll', 1769)).toBe(250_000);
    });

    it('with the time of its receivers, two of which share an invocation', () => {
      const quick = counted(CSV.replace('230000', String(220 * 1005)));
      const slow = counted(CSV.replace('230000', String(5220 * 1005)));
      expect(quick['lambda.requests.deliver']).toBeCloseTo(502.5);
      expect(quick['lambda.millis.deliver']).toBeCloseTo(260 * 502.5);
      expect(slow['lambda.millis.deliver']).toBeCloseTo(5260 * 502.5);
    });
  });
});
