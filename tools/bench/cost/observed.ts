import { readFile } from 'node:fs/promises';
import type { Counts } from '../../../test/cloud/meter.ts';
import { EXCHANGE_MILLIS } from '../flows/environment.ts';
import { workMillis } from './bill.ts';
import type { Deployment } from './deployment.ts';

/**
 * What the log of a deployment says, for as long a time as the bill is to be for. Parts of a large job are no jobs; and a deliverer
 * that puts webhooks off sums up all of its invocations in a line that is called `batch`, too.
 */
export const OBSERVED_QUERY = `filter (message in ["submit", "finish", "deliver"] and not ispresent(part_of))
  or (message = "batch" and @log like /PollPoller|PollCollector/)
| stats count(*) as lines, sum(strlen(@message)) as bytes, sum(duration_ms) as millis,
  sum(invocations) as invocations, sum(Polls) as polls by message`;

const COLUMNS = ['message', 'lines', 'bytes', 'millis', 'invocations', 'polls'] as const;
const MESSAGES = ['submit', 'batch', 'finish', 'deliver'] as const;
type Observed = Record<(typeof MESSAGES)[number], Record<(typeof COLUMNS)[number], number>>;

/** A file that Logs Insights has exported, as CSV or as JSON, or what its API answers. */
export async function readObserved(path: string): Promise<Observed> {
  const bytes = await readFile(path).catch(() => {
    throw new Error('The file of --observed cannot be read');
  });
  // PowerShell writes what a command prints in UTF-16, with a mark.
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  return observedIn(new TextDecoder(isUtf16 ? 'utf-16le' : 'utf-8').decode(bytes));
}

export function observedIn(marked: string): Observed {
  const text = marked.replace(/^\uFEFF/, '');
  const rows = /^\s*[[{]/.test(text) ? jsonRows(text) : csvRows(text);
  if (rows.length === 0) throw new Error('The file of --observed has no rows: the query has found nothing');
  const names = new Set(rows.flatMap((row) => Object.keys(row)));
  const missing = COLUMNS.filter((name) => !names.has(name));
  if (missing.length > 0)
    throw new Error(`The file of --observed lacks ${missing.join(', ')}: export the query that --help shows`);
  const of = (message: string) => rows.filter((row) => row['message'] === message);
  const lacking = MESSAGES.filter((message) => of(message).length === 0);
  if (lacking.length > 0)
    throw new Error(`The file of --observed has no row of the message ${lacking.join(', ')}`);
  const repeated = MESSAGES.filter((message) => of(message).length > 1);
  if (repeated.length > 0)
    throw new Error(
      `The file of --observed has several rows of the message ${repeated.join(', ')}: export one result of the query that --help shows`,
    );
  return Object.fromEntries(
    MESSAGES.map((message) => [message, numbersOf(message, of(message)[0])]),
  ) as Observed;
}

function numbersOf(message: string, row: Record<string, unknown> = {}) {
  const numbers = COLUMNS.slice(1).map((name) => {
    // Insights leaves out what no line has.
    const value = row[name] === '' || row[name] === undefined ? 0 : Number(row[name]);
    if (!(value >= 0 && Number.isFinite(value)))
      throw new Error(`The file of --observed has no number as ${name} of ${message}`);
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
  const { results, status } = value as { results?: unknown; status?: unknown };
  if (typeof status === 'string' && status !== 'Complete')
    throw new Error(`The file of --observed is of a query with the status ${status}, not Complete`);
  const rows = Array.isArray(value) ? value : results;
  const isObject = (each: unknown) => typeof each === 'object' && each !== null;
  const isRow = (row: unknown): row is Fields | Record<string, unknown> =>
    Array.isArray(row) ? row.every(isObject) : isObject(row);
  if (!Array.isArray(rows) || !rows.every(isRow))
    throw new Error('The file of --observed is JSON, but no list of rows');
  return rows.map((row) =>
    Array.isArray(row) ? Object.fromEntries(row.map(({ field, value }) => [field, value])) : row,
  );
}

function csvRows(text: string): Record<string, string>[] {
  const [head = '', ...lines] = text.split(/\r?\n/).filter((line) => line !== '');
  const names = cellsOf(head);
  const rows = lines.map(cellsOf);
  if (COLUMNS.every((name) => names.includes(name)) && rows.some(({ length }) => length !== names.length))
    throw new Error('The file of --observed has a line of too few or too many values: it may be cut off');
  return rows.map((cells) => Object.fromEntries(cells.map((cell, i) => [names[i] ?? '', cell])));
}

function cellsOf(line: string): string[] {
  return [...`${line},`.matchAll(/(?:"((?:[^"]|"")*)"|([^,]*)),/g)].map(
    ([, quoted, plain = '']) => quoted?.replaceAll('""', '"') ?? plain,
  );
}

/**
 * The model's counts for as many jobs as were observed, with what the log says in place of what the model has: how often jobs are
 * polled, in which batches, how long that and the receivers take, and what is logged.
 */
export function countsOf(
  { submit, batch, finish, deliver }: Observed,
  model: Counts,
  modelJobs: number,
  { memoryMiB }: Pick<Deployment, 'memoryMiB'>,
): Counts {
  const jobs = finish.lines;
  if (jobs === 0) throw new Error('In the file of --observed, no job has ended');
  const scaled = Object.fromEntries(
    Object.entries(model).map(([name, count]) => [name, (count * jobs) / modelJobs]),
  );
  const was = (name: string) => scaled[name] ?? 0;
  const share = (some: number, whole: number) => (whole === 0 ? 0 : some / whole);
  const attempts = share(deliver.lines, was('exchanges.webhook'));
  const delivers = was('lambda.requests.deliver') * attempts;
  // Those of a batch are made at once.
  const longer = share(delivers, deliver.lines) * (deliver.millis - deliver.lines * EXCHANGE_MILLIS.webhook);
  const sends = share(was('sqs.sends') - was('lambda.requests.submit'), was('lambda.requests.poll'));
  const polls = { 'lambda.requests.poll': batch.invocations, 'lambda.messages.poll': batch.polls };
  return {
    ...scaled,
    ...polls,
    'http.requests': was('http.requests') - was('lambda.requests.submit') + submit.lines,
    'lambda.requests.submit': submit.lines,
    'lambda.millis.submit': submit.millis,
    // What was observed has the work in it, which the bill adds.
    'lambda.millis.poll': Math.max(0, batch.millis - workMillis(polls, 'poll', memoryMiB.poll)),
    'lambda.requests.deliver': delivers,
    'lambda.messages.deliver': deliver.lines,
    'lambda.millis.deliver': Math.max(0, was('lambda.millis.deliver') * attempts + longer),
    'sqs.sends': submit.lines + batch.invocations * sends,
    'sqs.receives.poll': batch.invocations,
    'sqs.receives.deliver': delivers,
    'sqs.deletes.poll': batch.invocations,
    'sqs.deletes.deliver': delivers,
    'dynamodb.reads.jobs': was('dynamodb.reads.jobs') - was('exchanges.report') + batch.polls,
    'transfer.report': was('transfer.report') * share(batch.polls, was('exchanges.report')),
    'transfer.webhook': was('transfer.webhook') * attempts,
    'logs.bytes': submit.bytes + batch.bytes + finish.bytes + deliver.bytes,
  };
}
