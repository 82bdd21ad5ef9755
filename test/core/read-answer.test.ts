import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HttpOutcome } from '../../functions/core/http/http-outcome.ts';
import { readCreation, readReport } from '../../functions/core/upstream/read-answer.ts';

const NOW = Date.UTC(2026, 0, 1);
const context = { apiKey: 'sk-canary', now: NOW };

interface AnswerChanges {
  headers?: Record<string, string>;
  isTruncated?: boolean;
}

function answer(
  status: number,
  body: unknown,
  { headers = {}, isTruncated = false }: AnswerChanges = {},
): HttpOutcome {
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return { kind: 'answered', status, headers, body: Buffer.from(text as string), isTruncated };
}

const notConnected: HttpOutcome = { kind: 'not_connected', code: 'ECONNREFUSED' };
const cut: HttpOutcome = { kind: 'cut', code: 'ECONNRESET' };
const timeout = (isConnected: boolean): HttpOutcome => ({ kind: 'timeout', isConnected });
const in90Seconds = new Date(NOW + 90_000).toUTCString();
const nestedJson = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

describe('readCreation', () => {
  const created = (upstreamJobId = 'up-1') => ({ kind: 'created', upstreamJobId });
  const unknown = (cause: string) => ({ kind: 'unknown', cause });
  const nonsense = unknown('invalid_response');
  const refused = (cause: string, sentence: string | null = null) => ({ kind: 'refused', cause, sentence });
  const invalid = (sentence: string | null) => ({ kind: 'invalid', sentence });
  const keyRefused = (sentence: string | null) => ({ kind: 'credentials_refused', sentence });
  const unavailable = (retryAfterSeconds: number | null) => ({ kind: 'unavailable', retryAfterSeconds });
  const notFound = { kind: 'model_not_found' };
  const wrongAddress = refused('wrong_address');

  it.each<[what: string, outcome: HttpOutcome, creation: object]>([
    ['200', answer(200, { job_id: 'up-1', status: 'CREATED', message: 'ok' }), created()],
    ['201', answer(201, { job_id: 'up-1' }), created()],
    ['202 and more than was promised', answer(202, { job_id: 'up-1', status: 7, more: [] }), created()],
    ['299', answer(299, { job_id: 'up-1' }), created()],
    ['white space around it', answer(200, ' {"job_id":"up-1"}\n'), created()],
    ['a byte order mark before it', answer(200, '\ufeff{"job_id":"up-1"}'), created()],
    ['results at once', answer(200, { job_id: 'up-1', results: ['x'.repeat(100_000)] }), created()],
    ['an id that is a number', answer(200, '{"job_id": 1234567}'), created('1234567')],
    [
      'a number of many digits',
      answer(200, '{"job_id":12345678901234567890}'),
      created('12345678901234567890'),
    ],
    ['id', answer(200, { id: 'up-1' }), created()],
    ['jobId', answer(200, { jobId: 'up-1' }), created()],
    ['data', answer(200, { data: { job_id: 'up-1' } }), created()],
    ['data with an id that is a number', answer(200, { status: 'ok', data: { id: 7 } }), created('7')],
    ['job_id before id', answer(200, { id: 'other', job_id: 'up-1' }), created()],
    ['id where job_id is null', answer(200, { job_id: null, id: 'up-1' }), created()],
    ['512 characters', answer(200, { job_id: 'a'.repeat(512) }), created('a'.repeat(512))],

    ['data.job_id before an id of the call', answer(200, { id: 9, data: { job_id: 'up-1' } }), created()],
    ['data, of a call that went well', answer(200, { status: 'success', data: { id: 'up-1' } }), created()],
    ['the JSON of Python', answer(200, '{"job_id":"up-1","eta":NaN,"queued":True}'), created()],
    ['an id of encoded dots', answer(200, { job_id: '%2e%2e' }), created('%2e%2e')],

    ['an empty answer', answer(200, ''), nonsense],
    ['204', answer(204, ''), nonsense],
    ['half an answer', answer(200, '{"job_id":"up-1"'), nonsense],
    ['a number with a fraction of nothing', answer(200, '{"job_id":7.0}'), nonsense],
    ['a number in powers of ten', answer(200, '{"job_id":1e6}'), nonsense],
    ['UTF-16', answer(200, Buffer.from('{"job_id":"up-1"}', 'utf16le')), nonsense],
    ['two answers', answer(200, '{"job_id":"a"}\n{"job_id":"b"}'), nonsense],
    ['an answer in quotes', answer(200, JSON.stringify('{"job_id":"up-1"}')), nonsense],
    ['an id that only every object has', answer(200, '{"__proto__":{"job_id":"x"}}'), nonsense],
    ['an answer that went on', answer(200, { job_id: 'up-1' }, { isTruncated: true }), nonsense],
    ['HTML', answer(200, '<html>welcome</html>'), nonsense],
    ['null', answer(200, null), nonsense],
    ['a list', answer(200, [{ job_id: 'up-1' }]), nonsense],
    ['no id', answer(200, { status: 'CREATED' }), nonsense],
    ['data that is text', answer(200, { data: 'up-1' }), nonsense],
    ['an empty id', answer(200, { job_id: '' }), nonsense],
    ['half a number', answer(200, { job_id: 1.5 }), nonsense],
    ['a negative number', answer(200, { job_id: -1 }), nonsense],
    ['an id with a space', answer(200, { job_id: 'a b' }), nonsense],
    ['an id with a line break', answer(200, { job_id: 'up-1\n' }), nonsense],
    ['an id beyond ASCII', answer(200, { job_id: 'üp' }), nonsense],
    ['an id of one dot', answer(200, { job_id: '.' }), nonsense],
    ['an id of two dots', answer(200, { job_id: '..' }), nonsense],
    ['an id that is too long', answer(200, { job_id: 'a'.repeat(513) }), nonsense],
    ['100 000 levels', answer(200, nestedJson(100_000)), nonsense],
    ['bytes that are no text', answer(200, Buffer.from([0xff, 0xfe, 0])), nonsense],

    ['199', answer(199, { job_id: 'up-1' }), unknown('status_199')],
    ['408', answer(408, { detail: 'Slow.' }), unknown('status_408')],
    ['500', answer(500, { message: 'boom' }), unknown('status_500')],
    ['501', answer(501, ''), unknown('status_501')],
    ['502', answer(502, ''), unknown('status_502')],
    ['504', answer(504, ''), unknown('status_504')],
    ['600', answer(600, ''), unknown('status_600')],
    ['a cut connection', cut, unknown('cut')],
    ['no answer in time', timeout(true), unknown('timeout')],

    ['no connection', notConnected, unavailable(null)],
    ['no connection in time', timeout(false), unavailable(null)],
    ['503', answer(503, ''), unavailable(null)],
    ['429 with seconds', answer(429, '', { headers: { 'retry-after': '7' } }), unavailable(7)],
    ['503 with a date', answer(503, '', { headers: { 'retry-after': in90Seconds } }), unavailable(90)],
    ['429 with nonsense', answer(429, '', { headers: { 'retry-after': '-1' } }), unavailable(null)],

    ['300', answer(300, { job_id: 'up-1' }), refused('redirect')],
    ['a redirect', answer(302, 'Moved'), refused('redirect')],
    ['304', answer(304, ''), refused('redirect')],
    ['402', answer(402, { detail: 'Credits used up' }), refused('status_402', 'Credits used up')],
    ['405', answer(405, ''), refused('status_405')],
    ['409', answer(409, { message: 'Paused' }), refused('status_409', 'Paused')],
    ['410', answer(410, ''), refused('status_410')],
    ['418', answer(418, 'short and stout'), refused('status_418', 'short and stout')],
    ['423', answer(423, '<p>Locked</p>'), refused('status_423')],
    ['451', answer(451, ''), refused('status_451')],
    ['499', answer(499, ''), refused('status_499')],

    ['401', answer(401, { error: 'Who?' }), keyRefused('Who?')],
    ['403', answer(403, ''), keyRefused(null)],
    ['403 with a reason', answer(403, { detail: 'No such plan.' }), keyRefused('No such plan.')],
    ['400', answer(400, { message: 'Bad.' }), invalid('Bad.')],
    ['413', answer(413, ''), invalid(null)],
    ['415', answer(415, ''), invalid(null)],
    [
      '422',
      answer(422, { detail: [{ loc: ['body', 'max_tokens'], msg: 'Bad.' }] }),
      invalid('max_tokens: Bad.'),
    ],
    [
      'a place that no text can be made of',
      answer(422, { detail: [{ loc: ['body', { toString: 1 }, 'x'], msg: 'Bad.' }] }),
      invalid('x: Bad.'),
    ],
    ['400 that quotes the key', answer(400, { message: 'Not SK-Canary.' }), invalid(null)],

    ['404 that names the model', answer(404, { error: 'Model not found: m/1.' }), notFound],
    ['404 in a list', answer(404, { detail: [{ msg: 'Unknown model' }] }), notFound],
    ['404 without a body', answer(404, ''), wrongAddress],
    ['404 of an ingress', answer(404, 'default backend - 404'), wrongAddress],
    ['404 in HTML', answer(404, '<h1>404 Not Found</h1>'), wrongAddress],
    ['404 that says nothing', answer(404, {}), wrongAddress],
    ['404 that says no more', answer(404, { detail: 'Not Found' }), wrongAddress],
    ['404 of a gateway', answer(404, { message: 'no Route matched with those values' }), wrongAddress],
    ['404 of another gateway', answer(404, { statusCode: 404, message: 'Resource not found' }), wrongAddress],
    [
      '404 of a framework',
      answer(404, { message: 'Cannot POST /api/v1/x', error: 'Not Found' }),
      wrongAddress,
    ],
    ...[
      'No static resource api/v1/organizations/org_1/generate.',
      'Route POST:/api/v1/organizations/org_1/generate not found',
      'No route matches [POST] "/api/v1/x"',
      'The route api/v1/x could not be found.',
      'No handler found for POST /api/v1/x',
      'The requested URL was not found on the server. If you entered the URL manually please check it.',
      'The current request is not defined by this API.',
      'The page could not be found',
      'Invalid URL (POST /api/v1/x)',
      'Resource does not exist',
      'Organization not found',
      'NOT_FOUND',
    ].map((message): [string, HttpOutcome, object] => [
      `404 that says: ${message}`,
      answer(404, { error: { message } }),
      wrongAddress,
    ]),
    ...['No model at this path', "The model 'x' does not exist", 'model_not_found', 'Unknown id x'].map(
      (detail): [string, HttpOutcome, object] => [
        `404 that says: ${detail}`,
        answer(404, { detail }),
        notFound,
      ],
    ),
  ])('reads an answer to a create: %s', (_what, outcome, creation) => {
    expect(readCreation(outcome, context)).toEqual(creation);
  });
});

const job = { upstreamJobId: 'up-1', totalTasks: 2 };
const task = (task_index: number, more: object = {}) => ({
  task_index,
  status: 'completed',
  result: 'r',
  error: null,
  ...more,
});
const tasks = [task(0), task(1)];
const report = (changes: object) => answer(200, { job_id: 'up-1', job_status: 'completed', ...changes });
const ended = (changes: object) => report({ results: tasks, ...changes });
const trouble = (cause: string, retryAfterSeconds = 0) => ({
  kind: 'transient_error',
  cause,
  retryAfterSeconds,
});
const running = (completedTasks: number | null, unknownState: string | null = null) => ({
  kind: 'running',
  completedTasks,
  unknownState,
});
const completed = {
  kind: 'completed',
  results: { json: JSON.stringify(tasks), failedTasks: 0, missing: 0, surplus: 0, isEachEnded: true },
};
const failed = (changes: object = {}) =>
  expect.objectContaining({ kind: 'failed', isCancelled: false, ...changes });
const unreadable = { kind: 'unreadable', raw: expect.any(Buffer) };

describe('readReport', () => {
  it.each<[what: string, outcome: HttpOutcome, expected: unknown]>([
    ['created', report({ job_status: 'CREATED' }), running(null)],
    ['created, counting', report({ job_status: 'created', completed_tasks: 2 }), running(2)],
    ['a count of text', report({ job_status: 'created', completed_tasks: '2' }), running(2)],
    ['a negative count', report({ job_status: 'created', completed_tasks: -1 }), running(null)],
    ['half a count', report({ job_status: 'created', completed_tasks: 0.5 }), running(null)],
    ['299', answer(299, { job_status: 'created' }), running(null)],
    ['an answer without its id', answer(200, { job_status: 'created' }), running(null)],
    ['an id in other letters', report({ job_id: 'UP-1', job_status: 'created' }), running(null)],
    ['an id of null', report({ job_id: null, job_status: 'created' }), running(null)],
    ['another thing’s id', report({ id: 77, job_status: 'created' }), running(null)],
    ['running with all results', ended({ job_status: 'running' }), running(null)],

    ['a state that nobody knows', report({ job_status: 'DREAMING' }), running(null, 'DREAMING')],
    ['a state of nothing', report({ job_status: '' }), running(null, '')],
    ['a number for a state', report({ job_status: 1 }), running(null, '1')],
    [
      'an unknown state with some results',
      report({ job_status: 'partly', results: [task(0)] }),
      running(null, 'partly'),
    ],
    [
      'an unknown state with a pending task',
      ended({ job_status: 'x', results: [task(0), task(1, { status: 'pending' })] }),
      running(null, 'x'),
    ],
    [
      'an unknown state with results of another number',
      ended({ job_status: 'x', total_tasks: 3 }),
      running(null, 'x'),
    ],
    ['an unknown state with all results', ended({ job_status: 'x', total_tasks: 2 }), completed],
    [
      'an unknown state with more results than it was asked for, each counted',
      ended({ job_status: 'x', total_tasks: 3, results: [...tasks, task(2)] }),
      { ...completed, results: { ...completed.results, surplus: 1 } },
    ],
    [
      'an unknown state with more results than are counted',
      ended({ job_status: 'x', results: [...tasks, task(2)] }),
      running(null, 'x'),
    ],
    ['an unknown state with all results, not counted', ended({ job_status: 'x' }), completed],
    ['no state with all results', answer(200, { job_id: 'up-1', results: tasks }), completed],

    ['status in place of job_status', answer(200, { status: 'finished', results: tasks }), completed],
    ['job_status before status', ended({ status: 'ok', job_status: 'finished' }), completed],
    ['jobStatus', answer(200, { jobStatus: 'finished', results: tasks }), completed],
    [
      'data around it',
      answer(200, { data: { job_id: 'up-1', job_status: 'finished', results: tasks } }),
      completed,
    ],
    [
      'without counts, as one of the pages shows it',
      answer(200, { job_id: 'up-1', job_status: 'FINISHED', results: tasks }),
      completed,
    ],
    ...[{ status: 'success' }, { status: 'ok' }, { status: 200 }, { id: 'call-9' }].map(
      (beside): [string, HttpOutcome, object] => [
        `data around it, beside ${JSON.stringify(beside)}`,
        answer(200, { ...beside, data: { job_id: 'up-1', job_status: 'finished', results: tasks } }),
        completed,
      ],
    ),
    [
      'the state of the call beside a job that runs',
      answer(200, { status: 'success', data: { job_id: 'up-1', status: 'running', results: [] } }),
      running(null),
    ],
    [
      'the state of the call beside a job that failed',
      answer(200, { status: 'success', message: 'Read.', data: { job_status: 'failed', error: 'No.' } }),
      failed({ sentence: 'No.' }),
    ],
    ['a state beside data', ended({ data: { job_status: 'running', status: 'failed' } }), completed],
    ['a state of its id', answer(200, { id: 'up-1', status: 'failed', error: 'No.' }), failed()],
    [
      'a state of no job',
      answer(200, { status: 'error', message: 'No database' }),
      trouble('invalid_response'),
    ],
    ['a state of another thing', answer(200, { id: 'x', status: 'error' }), trouble('invalid_response')],
    ['the state of a server', answer(200, { status: 'maintenance' }), trouble('invalid_response')],
    ['a state of the key', report({ job_status: 'SK-Canary' }), running(null, '')],
    ['a state that is an object', report({ job_status: { toString: 1 } }), running(null, '{"toString":1}')],
    ['a state that every object has', report({ job_status: 'constructor' }), running(null, 'constructor')],
    ['a word of another script before it', report({ job_status: 'не done' }), running(null, 'не done')],
    ['counts that contradict', ended({ completed_tasks: 1, total_tasks: 9 }), completed],
    [
      'an id that is a number',
      answer(200, { job_id: 7, job_status: 'done', results: tasks }),
      trouble('invalid_response'),
    ],

    ['completed without results', report({}), unreadable],
    ['completed with results of null', report({ results: null }), unreadable],
    ['results of text', report({ results: 'r' }), unreadable],
    ['results by name', report({ results: { a: 'r' } }), unreadable],

    ["another job's id", report({ job_id: 'up-2' }), trouble('invalid_response')],
    ['no state and no results', answer(200, { job_id: 'up-1' }), trouble('invalid_response')],
    ['an empty answer', answer(200, ''), trouble('invalid_response')],
    ['204', answer(204, ''), trouble('invalid_response')],
    ['half an answer', answer(200, '{"job_id":"up-1","job_status":"comp'), trouble('invalid_response')],
    ['HTML', answer(200, '<html/>'), trouble('invalid_response')],
    ['a list', answer(200, []), trouble('invalid_response')],
    ['100 000 levels', answer(200, nestedJson(100_000)), trouble('invalid_response')],

    ['an answer that went on', answer(200, '{', { isTruncated: true }), { kind: 'too_large' }],
    ['404', answer(404, {}), { kind: 'missing', isGone: false }],
    ['404 in text', answer(404, 'default backend - 404'), trouble('invalid_response')],
    ['404 in digits', answer(404, '404'), trouble('invalid_response')],
    ['404 of null', answer(404, 'null'), trouble('invalid_response')],
    [
      '404 of a gateway',
      answer(404, { message: 'no Route matched with those values' }),
      trouble('invalid_response'),
    ],
    ['404 for the job', answer(404, { detail: 'Job not found' }), { kind: 'missing', isGone: false }],
    ['404 that says no more', answer(404, { detail: 'Not Found' }), { kind: 'missing', isGone: false }],
    ['404 in HTML', answer(404, '<h1>Not Found</h1>'), trouble('invalid_response')],
    ['404 of nothing', answer(404, ''), trouble('invalid_response')],
    ['410', answer(410, ''), { kind: 'missing', isGone: true }],
    ['410 in HTML', answer(410, ' <h1>Gone</h1>'), trouble('invalid_response')],
    ['401', answer(401, ''), trouble('unauthorized')],
    ['403', answer(403, ''), trouble('unauthorized')],
    ['429', answer(429, ''), trouble('unavailable')],
    ['429 with seconds', answer(429, '', { headers: { 'retry-after': '9' } }), trouble('unavailable', 9)],
    [
      '503 with a date',
      answer(503, '', { headers: { 'retry-after': in90Seconds } }),
      trouble('unavailable', 90),
    ],
    ['500', answer(500, ''), trouble('server_error')],
    ['599', answer(599, ''), trouble('server_error')],
    ['199', answer(199, { job_status: 'created' }), trouble('invalid_response')],
    ['300', answer(300, { job_status: 'created' }), trouble('invalid_response')],
    ['400', answer(400, { job_status: 'created' }), trouble('invalid_response')],
    ['a redirect', answer(307, ''), trouble('invalid_response')],
    ['a cut connection', cut, trouble('cut')],
    ['no answer in time', timeout(true), { kind: 'too_slow' }],
    ['no connection in time', timeout(false), trouble('timeout')],
    ['no connection', notConnected, trouble('not_connected')],
  ])('reads an answer to a poll: %s', (_what, outcome, expected) => {
    expect(readReport(outcome, job, context)).toEqual(expected);
  });

  it.each([
    ...['completed', 'COMPLETED', 'finished', 'FINISHED', 'SUCCEEDED', 'success', 'Done'],
    ...['partially_completed', 'PartiallyCompleted', 'completed_with_errors', 'completed with errors'],
    ...['Completed ', ' completed\n', 'JobStatus.COMPLETED', 'jobs.JobStatus.FINISHED', 'completed.'],
  ])('takes a job for completed by the state %j', (job_status) => {
    expect(readReport(ended({ job_status }), job, context)).toEqual(completed);
  });

  it.each([
    ...[
      'failed',
      'FAILED',
      'failure',
      'error',
      'rejected',
      'timeout',
      'timed_out',
      'TimedOut',
      'TIMED-OUT',
      'expired',
    ],
  ])('takes a job for failed by the state %j, whatever its results look like', (job_status) => {
    for (const results of [undefined, null, {}, [], 'r', 7, { a: 1 }]) {
      expect(readReport(report({ job_status, results }), job, context)).toEqual(failed({ results: null }));
    }
  });

  it.each(['canceled', 'CANCELED', 'cancelled', 'aborted', 'stopped', 'Status.CANCELLED'])(
    'takes a job for cancelled by somebody else by the state %j',
    (job_status) => {
      expect(readReport(report({ job_status }), job, context)).toMatchObject({
        kind: 'failed',
        isCancelled: true,
      });
    },
  );

  it.each([
    'CREATED',
    'pending',
    'Queued',
    'in_progress',
    'In Progress',
    'inProgress',
    'RUNNING',
    'cancelling',
  ])('takes a job for running by the state %j', (job_status) => {
    expect(readReport(report({ job_status }), job, context)).toEqual(running(null));
  });

  it('keeps the results of a failed job, and why it failed', () => {
    const some = {
      job_status: 'failed',
      completed_tasks: 1,
      results: [task(0)],
      error: 'CUDA out of memory',
    };
    expect(readReport(report(some), job, context)).toEqual(
      failed({
        completedTasks: 1,
        results: expect.objectContaining({ failedTasks: 1, missing: 1 }),
        sentence: 'CUDA out of memory',
      }),
    );
  });

  it.each([
    ['NaN', 'null'],
    ['-Infinity', 'null'],
    ['None', 'null'],
    ['True', 'true'],
    ['[NaN,{"a":False}]', '[null,{"a":false}]'],
  ])("reads Python's %s as JSON's %s", (foreign, own) => {
    const body = `{"job_status":"completed","note":"NaN None","results":[{"task_index":0,"result":"True NaN","score":${foreign}},{"task_index":1,"result":1}]}`;
    const read = readReport(answer(200, body), job, context);
    expect(read).toMatchObject({
      kind: 'completed',
      results: { json: `[{"task_index":0,"result":"True NaN","score":${own}},{"task_index":1,"result":1}]` },
    });
  });

  it.each(['constructor', 'toString', 'valueOf'])(
    'does not take %s for a constant of another language',
    (word) => {
      const body = `{"job_status":"completed","results":[],"x":${word}}`;
      expect(readReport(answer(200, body), job, context)).toEqual(trouble('invalid_response'));
    },
  );

  it('reads a constant of another language behind a byte order mark, too', () => {
    const body = '\ufeff{"job_status":"running","eta":NaN}';
    expect(readReport(answer(200, body), job, context)).toEqual(running(null));
  });

  it('scans half a document once, however many quotes are in it', () => {
    const body = `{"job_status":"completed","results":["${'\\"'.repeat(50_000)}`;
    expect(readReport(answer(200, body), job, context)).toEqual(trouble('invalid_response'));
  });

  it("compares the job's id as text, though it came as a number", () => {
    const body = '{"job_id":12345678901234567890,"job_status":"running"}';
    const numbered = { ...job, upstreamJobId: '12345678901234567890' };
    expect(readReport(answer(200, body), numbered, context)).toEqual(running(null));
  });
});

it('any answer is read without an exception', () => {
  const names = [
    ...['job_id', 'id', 'data', 'job_status', 'status', 'total_tasks', 'results', 'task_index', 'result'],
    ...['error', 'errors', 'detail', 'message', 'loc', 'msg', 'toString', 'valueOf', 'constructor', 'toJSON'],
  ];
  const words = ['completed', 'failed', 'running', '__proto__', 'hasOwnProperty', 'up-1', '0', ''];
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(...words, ...[null, true, 0, 1.5, -1, 1e300]),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...names), tie('tree'), { maxKeys: 5 }),
    ),
  }));
  const statuses = fc.constantFrom(200, 400, 402, 403, 404, 410, 422, 500);
  fc.assert(
    fc.property(statuses, tree, (status, body) => {
      const outcome = answer(status, body);
      expect(readCreation(outcome, context)).toHaveProperty('kind');
      expect(readReport(outcome, job, context)).toHaveProperty('kind');
    }),
    { numRuns: 1000 },
  );
});
