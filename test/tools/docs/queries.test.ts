import { beforeAll, describe, expect, it } from 'vitest';
import { QUERIES as QUERIES_OF_STACK } from '../../../lib/monitoring/queries.ts';
import { OBSERVED_QUERY } from '../../../tools/bench/cost/observed.ts';
import { ask, type Row } from './insights.ts';
import { logLines } from './log-lines.ts';
import { pageAt } from './pages.ts';

const [, ...chapters] = pageAt('docs/runbook.md').text.split(/^#{2,3} (?=.)/m);

/** Each with the heading that it stands under. */
const QUERIES = chapters.flatMap((chapter) => {
  const [heading = ''] = chapter.split('\n', 1);
  return [...chapter.matchAll(/^```\n((?:filter|stats|fields) [\s\S]*?)^```$/gm)].map(([, query = '']) => ({
    heading,
    query: query.trim(),
  }));
});

let lines: Row[];

beforeAll(async () => {
  lines = await logLines();
});

/** Those of one job, of one client. */
const forOne = (query: string) =>
  query.replace('"job_…"', `"${jobId()}"`).replace('"CLIENT"', `"${client()}"`);
const submitted = () => lines.find(({ message, client }) => message === 'submit' && client !== undefined);
const jobId = () => lines.find(({ message }) => message === 'deliver')?.['job_id'];
const client = () => submitted()?.['client'];

const queriesOf = (heading: string) => QUERIES.filter((each) => each.heading === heading);

describe('a query of the runbook', () => {
  it('is in many chapters', () => {
    expect(QUERIES.length).toBeGreaterThan(15);
  });

  it.each(QUERIES)(
    'finds lines that are really written, and names only fields that exist: $heading',
    ({ query }) => {
      expect(ask(forOne(query), lines).length).toBeGreaterThan(0);
    },
  );

  it.each([
    ['Function errors', /./],
    ['Sweeper not running', /Sweep/],
  ])(
    "finds Lambda's lines about a timeout, a crash and a failed start, and no others: %s",
    (heading, log) => {
      const [{ query } = { query: '' }] = queriesOf(heading);
      const found = ask(query, lines).filter(({ type }) => type !== undefined);
      expect(new Set(found.map((line) => line['record.status']))).toEqual(
        new Set(['timeout', 'error', 'failure']),
      );
      for (const line of found) expect(line['@log']).toMatch(log);
    },
  );

  it('finds no successful request in "API 5xx"', () => {
    for (const { query } of queriesOf('API 5xx')) {
      for (const { status } of ask(query, lines)) expect(String(status)).not.toBe('202');
    }
  });
});

describe('a query that is saved with the stack', () => {
  const found = (query: string) =>
    ask(query.replace('TRACE_ID', String(traceId())).replace('JOB_ID', String(jobId())), lines);
  const traceId = () => lines.find(({ message }) => message === 'deliver')?.['trace_id'];

  it.each(Object.entries(QUERIES_OF_STACK))('finds lines that are really written: %s', (_name, query) => {
    expect(found(query).length).toBeGreaterThan(0);
  });

  it('sums up what each client has used', () => {
    // A large job counts once, and its parts not at all.
    const ended = lines.filter((line) => line['message'] === 'finish' && !line['part_of']);
    const rows = found(QUERIES_OF_STACK['usage-per-client']);
    expect(lines.some((line) => line['part_of'])).toBe(true);
    const sumOf = (name: string) => rows.reduce((sum, row) => sum + Number(row[name]), 0);
    expect(sumOf('jobs')).toBe(ended.length);
    expect(sumOf('tasks')).toBe(ended.reduce((sum, line) => sum + Number(line['total_tasks']), 0));
    expect(sumOf('failed')).toBe(ended.filter(({ outcome }) => outcome === 'failed').length);
    expect(new Set(rows.map(({ client }) => client))).toEqual(new Set(ended.map(({ client }) => client)));
  });
});

it('has the lines that `npm run bench -- cost --observed` asks for', () => {
  const rows = ask(OBSERVED_QUERY, lines);
  expect(new Set(rows.map(({ message }) => message))).toEqual(
    new Set(['submit', 'batch', 'finish', 'deliver']),
  );
});

describe('the query language', () => {
  const rows = [
    { message: 'a', n: 1, 'x.y': 'one' },
    { message: 'b', n: 2 },
    { message: 'a', n: 3 },
  ];

  it.each<[string, unknown]>([
    ['filter message = "a" and n != 1', [{ message: 'a', n: 3 }]],
    ['filter message = "a" and not ispresent(x.y)', [{ message: 'a', n: 3 }]],
    ['filter ispresent(x.y) or message like /^b|c$/', rows.slice(0, 2)],
    ['filter message in ["b", "c"] | sort n desc | display message', [rows[1]]],
    [
      'stats count(*) as many, sum(n) / 2 as half by message | filter many = 2',
      [{ message: 'a', many: 2, half: 2 }],
    ],
  ])('understands %s', (query, found) => {
    expect(ask(query, rows)).toEqual(found);
  });

  it.each([
    ['filter message = "a" | display z', 'No line has z'],
    ['filter z = "a" or message = "a"', 'No line has z'],
    ['filter (message = "a"', 'Expected )'],
    ['find message', 'There is no command find'],
    ['filter message ~ "a"', 'Not understood'],
    ['filter message = "a" n', 'Not understood'],
  ])('refuses what CloudWatch would refuse: %s', (query, sentence) => {
    expect(() => ask(query, rows)).toThrow(sentence);
  });
});
