import { readFile } from 'node:fs/promises';
import type { Counts } from '../../../test/cloud/meter.ts';

/** What the log of a deployment says, for as long a time as the bill is to be for. */
export const OBSERVED_QUERY = `filter message in ["submit", "batch", "finish", "deliver"]
| stats count(*) as lines, sum(strlen(@message)) as bytes, sum(duration_ms) as millis,
  sum(invocations) as invocations, sum(Polls) as polls by message`;

const COLUMNS = ['message', 'lines', 'bytes', 'millis', 'invocations', 'polls'] as const;
const MESSAGES = ['submit', 'batch', 'finish', 'deliver'] as const;
type Observed = Record<(typeof MESSAGES)[number], Record<(typeof COLUMNS)[number], number>>;

/** A file that Logs Insights has exported, as CSV or as JSON, or what its API answers. */
export async function readObserved(path: string): Promise<Observed> {
  const text = await readFile(path, 'utf8').catch(() => {
    throw new Error('The file of --observed cannot be read');
  });
  return observedIn(text);
}

export function observedIn(text: string): Observed {
  const rows = /^\s*[[{]/.test(text) ? jsonRows(text) : csvRows(text);
  if (rows.length === 0) throw new Error('The file of --observed has no rows: the query has found nothing');
  const names = new Set(rows.flatMap((row) => Object.keys(row)));
  const missing = COLUMNS.filter((name) => !names.has(name));
  if (missing.length > 0)
    throw new Error(`The file of --observed lacks ${missing.join(', ')}: export the query that --help shows`);
  const of = (message: string) => rows.find((row) => row['message'] === message);
  const lacking = MESSAGES.filter((message) => !of(message));
  if (lacking.length > 0)
    throw new Error(`The file of --observed has no row of the message ${lacking.join(', ')}`);
  return Object.fromEntries(
    MESSAGES.map((message) => [message, numbersOf(message, of(message))]),
  ) as Observed;
}

function numbersOf(message: string, row: Record<string, unknown> = {}) {
  const numbers = COLUMNS.slice(1).map((name) => {
    // Insights leaves out what no line has.
    const value = row[name] === '' || row[name] === undefined ? 0 : Number(row[name]);
    if (!(value >= 0)) throw new Error(`The file of --observed has no number as ${name} of ${message}`);
    return [name, value];
  });
  return Object.fromEntries(numbers);
}

type Fields = { field: string; value: string }[];

function jsonRows(text: string): Record<string, unknown>[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('The file of --observed begins like JSON and is none');
  }
  const rows = Array.isArray(value) ? value : (value as { results?: unknown }).results;
  const isRow = (row: unknown): row is Fields | Record<string, unknown> =>
    typeof row === 'object' && row !== null;
  if (!Array.isArray(rows) || !rows.every(isRow))
    throw new Error('The file of --observed is JSON, but no list of rows');
  return rows.map((row) =>
    Array.isArray(row) ? Object.fromEntries(row.map(({ field, value }) => [field, value])) : row,
  );
}

function csvRows(text: string): Record<string, string>[] {
  const [head = '', ...lines] = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => line !== '');
  const names = cellsOf(head);
  return lines.map((line) => Object.fromEntries(cellsOf(line).map((cell, i) => [names[i] ?? '', cell])));
}

function cellsOf(line: string): string[] {
  const cells = line.match(/("(?:[^"]|"")*"|[^,]*)(,|$)/g) ?? [];
  return cells
    .map((cell) =>
      cell
        .replace(/,$/, '')
        .replace(/^"(.*)"$/, '$1')
        .replaceAll('""', '"'),
    )
    .slice(0, -1);
}

/**
 * The model's counts for as many jobs as were observed, with what the log says in place of what the model has: how often jobs are
 * polled, in which batches, how long it takes, and what is logged.
 */
export function countsOf(
  { submit, batch, finish, deliver }: Observed,
  model: Counts,
  modelJobs: number,
): Counts {
  const jobs = finish.lines;
  if (jobs === 0) throw new Error('In the file of --observed, no job has ended');
  const scaled = Object.fromEntries(
    Object.entries(model).map(([name, count]) => [name, (count * jobs) / modelJobs]),
  );
  const was = (name: string) => scaled[name] ?? 0;
  const attempts = was('exchanges.webhook') === 0 ? 0 : deliver.lines / was('exchanges.webhook');
  const delivers = was('lambda.requests.deliver') * attempts;
  return {
    ...scaled,
    'http.requests': was('http.requests') - was('lambda.requests.submit') + submit.lines,
    'lambda.requests.submit': submit.lines,
    'lambda.millis.submit': submit.millis,
    'lambda.requests.poll': batch.invocations,
    'lambda.messages.poll': batch.polls,
    'lambda.millis.poll': batch.millis,
    'lambda.requests.deliver': delivers,
    'lambda.messages.deliver': deliver.lines,
    'lambda.millis.deliver': was('lambda.millis.deliver') * attempts,
    'sqs.sends': submit.lines + batch.invocations,
    'sqs.receives.poll': batch.invocations,
    'sqs.receives.deliver': delivers,
    'sqs.deletes.poll': batch.invocations,
    'sqs.deletes.deliver': delivers,
    'dynamodb.reads.jobs': was('dynamodb.reads.jobs') - was('exchanges.report') + batch.polls,
    'transfer.report': (was('transfer.report') * batch.polls) / was('exchanges.report'),
    'transfer.webhook': was('transfer.webhook') * attempts,
    'logs.bytes': submit.bytes + batch.bytes + finish.bytes + deliver.bytes,
  };
}
