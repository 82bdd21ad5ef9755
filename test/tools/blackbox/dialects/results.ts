import { gzipSync } from 'node:zlib';
import { type Case, completed, type End, ended, running, type Said, task } from './case.ts';

const three = [task(0), task(1), task(2)];
const inOrder: End = { ...completed, results: ['"reply 0"', '"reply 1"', '"reply 2"'] };
const oneByOne: End = { ...completed, results: ['"reply 1"', '"reply 2"', '"reply 3"'] };
const finished = { job_status: 'FINISHED' };

/** Of jobs of three conversations. */
const placed: [what: string, said: Said, comesTo: End][] = [
  ['in order', ended(three), inOrder],
  [
    'as IONOS shows them',
    ended(
      three.map(({ error, ...shown }) => shown),
      finished,
    ),
    inOrder,
  ],
  ['in reverse', ended(three.toReversed()), inOrder],
  ['shuffled', ended([three[1], three[2], three[0]]), inOrder],
  [
    'with indexes of text, in reverse',
    ended([numberedByText('2'), numberedByText('1'), numberedByText('0')]),
    inOrder,
  ],
  ['with indexes of text and numbers', ended([numberedByText('2'), task(0), task(1)]), inOrder],
  ['without indexes', ended(three.map(({ task_index, ...rest }) => rest)), inOrder],
  ['keyed by index', ended({ 0: three[0], 1: three[1], 2: three[2] }), inOrder],
  ['keyed by index, in another order', { body: keyedFrom(2, 0, 1) }, inOrder],
  ['keyed by index, without indexes within', ended({ 0: text(0), 1: text(1), 2: text(2) }), inOrder],
  ['keyed by index, each a text', ended({ 0: 'reply 0', 1: 'reply 1', 2: 'reply 2' }), inOrder],
  ['a list of texts', ended(['reply 0', 'reply 1', 'reply 2']), inOrder],
  ['counted from one', ended([task(2), task(3), task(1)]), oneByOne],
  ['one of them twice', ended([three[0], three[1], three[1], three[2]]), inOrder],
  ['one too many', ended([...three, task(3)]), inOrder],
  ['far too many', ended([...three, ...Array.from({ length: 50 }, (_, i) => task(i + 3))]), inOrder],
  ['one too many, first', ended([task(7), ...three]), inOrder],
  ['one too many, without indexes', ended([0, 1, 2, 3].map(text)), inOrder],
  [
    'one of them failed',
    ended([three[0], task(1, { status: 'failed', result: null, error: 'It broke.' }), three[2]]),
    { end: 'completed', failedTasks: 1, results: ['"reply 0"', 'It broke.', '"reply 2"'] },
  ],
  [
    'all of them failed',
    ended(three.map((each) => ({ ...each, status: 'FAILED', result: null }))),
    { end: 'completed', failedTasks: 3 },
  ],
];

/** Of an object, JavaScript itself would write the numbers in order. */
function keyedFrom(...indexes: number[]): string {
  const members = indexes.map((index) => `"${index}":${JSON.stringify(text(index))}`);
  return `{"job_status":"completed","results":{${members.join(',')}}}`;
}

function numberedByText(index: string) {
  return { ...task(Number(index)), task_index: index };
}

function text(index: number) {
  return { status: 'completed', result: `reply ${index}` };
}

/** Each of these goes to the client as it came. */
const verbatim = [
  '{"task_index":0,"status":"completed","result":"x","seed":12345678901234567890}',
  '{"task_index":0,"status":"completed","result":"x","score":1e400}',
  '{"task_index":0,"status":"completed","result":"x","score":1.0}',
  '{"task_index":0,"status":"completed","result":"caf\\u00e9 \\/ \\ud83d\\ude00"}',
  '{"task_index": 0, "status": "completed", "result": {"b": 1, "a": [1, 2, {"c": null}]}}',
  '{"result":"]}\\"{[","task_index":0,"status":"completed"}',
  '{"task_index":0,"status":"completed","result":""}',
];

/** What may come in place of an answer, once, before the job's end is told. */
const between: [what: string, said: Said][] = [
  ['404 in text', { status: 404, body: 'default backend - 404' }],
  ['404 in JSON', { status: 404, body: { detail: 'Job not found' } }],
  ['401', { status: 401, body: { detail: 'Invalid token' } }],
  ['403', { status: 403, body: '<h1>Blocked</h1>' }],
  ['408', { status: 408 }],
  ['409', { status: 409 }],
  ['418', { status: 418 }],
  ['429', { status: 429, headers: { 'retry-after': '1' } }],
  ['429 with a fraction of a second', { status: 429, headers: { 'retry-after': '0.5' } }],
  ['429 with milliseconds', { status: 429, headers: { 'retry-after-ms': '900' } }],
  ['500', { status: 500, body: 'stack trace' }],
  ['502', { status: 502, body: '<h1>Bad Gateway</h1>' }],
  ['503', { status: 503, headers: { 'retry-after': '1' } }],
  ['504', { status: 504 }],
  ['a redirect', { status: 302, headers: { location: 'https://login.example.com/' } }],
  ['204', { status: 204 }],
  ['nothing', {}],
  ['HTML', { headers: { 'content-type': 'text/html' }, body: '<!doctype html><title>Maintenance</title>' }],
  ['half a document', { body: '{"job_status":"comp' }],
  ['404 in digits', { status: 404, body: '404' }],
  ['an error that may be any service’s', { body: { job_id: undefined, status: 'error', message: 'Busy' } }],
  ['a state that no text can be made of', { body: { job_status: { toString: 1 } } }],
  ['a word that every object has', { body: '{"job_status":constructor}' }],
  ['a list', { body: '[]' }],
  ['null', { body: 'null' }],
  ['an object that says nothing', { body: '{}' }],
  ['the answer about another job', ended([task(0, { result: 'not yours' })], { job_id: 'another' })],
  ['a word that nobody knows', ended([], { job_status: 'warming_up', total_tasks: 1 })],
  ['a state that is a number', ended([], { job_status: 3, total_tasks: 1 })],
];

const whole = JSON.stringify(ended([task(0)]).body);

const withNan = '{"job_status":"FINISHED","results":[{"task_index":0,"result":"reply 0","score":NaN}]}';

const forms: [what: string, said: Said][] = [
  ['gzip', { headers: { 'content-encoding': 'gzip' }, body: gzipSync(whole) }],
  ['gzip that nobody speaks of', { body: gzipSync(whole) }],
  ['data, of a call that went well', { body: { status: 'success', data: ended([task(0)]).body } }],
  ['a byte order mark', { body: `\ufeff${whole}` }],
  ['white space around it', { body: `\n  ${whole}\n` }],
  ['another content type', { headers: { 'content-type': 'text/plain' }, body: whole }],
  ['an answer of 201', { status: 201, body: whole }],
  ['the JSON of Python, with NaN', { body: withNan }],
  ['2.5 MiB of results', ended([task(0, { padding: 'x'.repeat(2_500_000) })], finished)],
];

export const results: Case[] = [
  ...placed.map(
    ([what, said, comesTo]): Case => ({
      what: `results ${what}`,
      conversations: 3,
      polls: [said],
      comesTo,
    }),
  ),
  ...verbatim.map(
    (json): Case => ({
      what: `a result that is ${json}`,
      polls: [{ body: `{"job_status":"completed","total_tasks":1,"completed_tasks":1,"results":[${json}]}` }],
      comesTo: { ...completed, verbatim: json },
    }),
  ),
  ...between.map(
    ([what, said]): Case => ({
      what: `${what}, between two answers`,
      polls: [running, said, ended([task(0)])],
      comesTo: { ...completed, results: ['"reply 0"'] },
    }),
  ),
  ...forms.map(
    ([what, said]): Case => ({
      what: `a report comes in ${what}`,
      polls: [said],
      comesTo: { ...completed, results: ['"reply 0"'] },
    }),
  ),
  {
    what: 'an id that was text comes as a number',
    id: '424242',
    created: { body: { job_id: '424242' } },
    polls: [ended([task(0)], { job_id: 424242 })],
    comesTo: completed,
  },
  {
    what: 'an id that was a number comes as text',
    id: '434343',
    created: { body: { job_id: 434343 } },
    polls: [ended([task(0)], { job_id: '434343' })],
    comesTo: completed,
  },
  {
    what: 'an id comes in another case',
    id: 'Job-ABC',
    created: { body: { job_id: 'Job-ABC' } },
    polls: [ended([task(0)], { job_id: 'job-abc' })],
    comesTo: completed,
  },
  {
    what: '410 for a job that was never seen',
    polls: [{ status: 410, body: { detail: 'Gone' } }],
    comesTo: { end: 'failed', code: 'modelstudio_job_missing' },
  },
];
