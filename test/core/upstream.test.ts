import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../functions/core/outcome.ts';
import { readCreation, readReport } from '../../functions/core/upstream.ts';

const NOW = Date.UTC(2026, 0, 1);

interface AnswerChanges {
  headers?: Record<string, string>;
  isTruncated?: boolean;
}

function answer(
  status: number,
  body: unknown,
  { headers = {}, isTruncated = false }: AnswerChanges = {},
): Outcome {
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return { kind: 'answered', status, headers, body: Buffer.from(text as string), isTruncated };
}

const notConnected: Outcome = { kind: 'not_connected', code: 'ECONNREFUSED' };
const cut: Outcome = { kind: 'cut', code: 'ECONNRESET' };
const timeout = (isConnected: boolean): Outcome => ({ kind: 'timeout', isConnected });
const in90Seconds = new Date(NOW + 90_000).toUTCString();
const nestedJson = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

describe('readCreation', () => {
  const created = { kind: 'created', upstreamJobId: 'up-1' };
  const nonsense = { kind: 'unknown', cause: 'nonsense' };
  const unavailable = (retryAfterSeconds: number | null) => ({ kind: 'unavailable', retryAfterSeconds });

  it.each<[what: string, outcome: Outcome, creation: object]>([
    ['200', answer(200, { job_id: 'up-1', status: 'CREATED', message: 'ok' }), created],
    ['201', answer(201, { job_id: 'up-1' }), created],
    ['202 and more than was promised', answer(202, { job_id: 'up-1', status: 7, more: [] }), created],
    ['299', answer(299, { job_id: 'up-1' }), created],
    ['white space around it', answer(200, ' {"job_id":"up-1"}\n'), created],

    ['an empty answer', answer(200, ''), nonsense],
    ['204', answer(204, ''), nonsense],
    ['half an answer', answer(200, '{"job_id":"up-1"'), nonsense],
    ['an answer that went on', answer(200, { job_id: 'up-1' }, { isTruncated: true }), nonsense],
    ['HTML', answer(200, '<html>welcome</html>'), nonsense],
    ['null', answer(200, null), nonsense],
    ['a list', answer(200, [{ job_id: 'up-1' }]), nonsense],
    ['no id', answer(200, { status: 'CREATED' }), nonsense],
    ['an empty id', answer(200, { job_id: '' }), nonsense],
    ['an id that is a number', answer(200, { job_id: 1 }), nonsense],
    ['an id with a space', answer(200, { job_id: 'a b' }), nonsense],
    ['an id with a line break', answer(200, { job_id: 'up-1\n' }), nonsense],
    ['an id beyond ASCII', answer(200, { job_id: 'üp' }), nonsense],
    ['an id that is too long', answer(200, { job_id: 'a'.repeat(513) }), nonsense],
    ['100 000 levels', answer(200, nestedJson(100_000)), nonsense],
    ['bytes that are no text', answer(200, Buffer.from([0xff, 0xfe, 0])), nonsense],

    ['199', answer(199, { job_id: 'up-1' }), { kind: 'unknown', cause: 'status_199' }],
    ['300', answer(300, { job_id: 'up-1' }), { kind: 'unknown', cause: 'status_300' }],
    ['a redirect', answer(302, ''), { kind: 'unknown', cause: 'status_302' }],
    ['409', answer(409, {}), { kind: 'unknown', cause: 'status_409' }],
    ['500', answer(500, { message: 'boom' }), { kind: 'unknown', cause: 'status_500' }],
    ['502', answer(502, ''), { kind: 'unknown', cause: 'status_502' }],
    ['504', answer(504, ''), { kind: 'unknown', cause: 'status_504' }],
    ['a cut connection', cut, { kind: 'unknown', cause: 'cut' }],
    ['no answer in time', timeout(true), { kind: 'unknown', cause: 'timeout' }],

    ['no connection', notConnected, unavailable(null)],
    ['no connection in time', timeout(false), unavailable(null)],
    ['503', answer(503, ''), unavailable(null)],
    ['429 with seconds', answer(429, '', { headers: { 'retry-after': '7' } }), unavailable(7)],
    ['503 with a date', answer(503, '', { headers: { 'retry-after': in90Seconds } }), unavailable(90)],
    ['429 with nonsense', answer(429, '', { headers: { 'retry-after': '-1' } }), unavailable(null)],

    ['401', answer(401, { error: 'who?' }), { kind: 'credentials_refused' }],
    ['403', answer(403, ''), { kind: 'credentials_refused' }],
    ['404', answer(404, { error: 'model' }), { kind: 'model_not_found' }],
    ['400', answer(400, { message: 'Bad.' }), { kind: 'invalid', sentence: 'Bad.' }],
    ['413', answer(413, ''), { kind: 'invalid', sentence: null }],
    ['422', answer(422, { detail: 'Bad.' }), { kind: 'invalid', sentence: 'Bad.' }],
  ])('%s', (_what, outcome, creation) => {
    expect(readCreation(outcome, NOW)).toEqual(creation);
  });
});

describe("ModelStudio's sentence on a 400 becomes one line of plain text", () => {
  it.each<[what: string, body: unknown, sentence: string | null]>([
    ['message', { message: 'Too hot.' }, 'Too hot.'],
    ['detail', { detail: 'Too hot.' }, 'Too hot.'],
    ['error', { error: 'Too hot.' }, 'Too hot.'],
    ['error.message', { error: { message: 'Too hot.', code: 9 } }, 'Too hot.'],
    ['message before error', { error: 'bad_request', message: 'Too hot.' }, 'Too hot.'],
    ['the one that says something', { message: ' ', detail: 5, error: 'Too hot.' }, 'Too hot.'],
    ['line breaks', { message: ' Too\r\n\thot.\u0000 ' }, 'Too hot.'],
    ['line and paragraph separators', { message: 'Too\u2028\u2029hot.' }, 'Too hot.'],
    ['bidi controls and terminal codes', { message: 'Too\u202ehot\u001b[0m.' }, 'Too hot [0m.'],
    ['lone surrogates', { message: 'Too\ud800hot.' }, 'Too hot.'],
    ['other scripts', { message: 'température élevée 😀' }, 'température élevée 😀'],
    ['no more than 300 characters', { message: 'x'.repeat(301) }, 'x'.repeat(300)],
    ['no half of a pair at the end', { message: `${'x'.repeat(299)}😀` }, `${'x'.repeat(299)}\ufffd`],
    ['none: empty', '', null],
    ['none: no JSON', 'Too hot.', null],
    ['none: null', null, null],
    ['none: a list', ['Too hot.'], null],
    ['none: a string', '"Too hot."', null],
    ['none: other fields', { reason: 'Too hot.' }, null],
    ['none: a list of faults', { detail: [{ msg: 'Too hot.' }] }, null],
    ['none: 100 000 levels', `{"message":${nestedJson(100_000)}}`, null],
    ['none: error of null', { error: null }, null],
  ])('%s', (_what, body, sentence) => {
    expect(readCreation(answer(400, body), NOW)).toEqual({ kind: 'invalid', sentence });
  });
});

describe('readReport', () => {
  const task = (task_index: number, result: unknown = 'r') => ({
    task_index,
    status: 'completed',
    result,
    error: null,
  });
  const report = (changes: object) => answer(200, { job_id: 'up-1', job_status: 'completed', ...changes });
  const trouble = (cause: string, retryAfterSeconds = 0) => ({ kind: 'trouble', cause, retryAfterSeconds });
  const running = (completedTasks: number | null, unknownState: string | null = null) => ({
    kind: 'running',
    completedTasks,
    unknownState,
  });

  it.each<[what: string, outcome: Outcome, expected: object]>([
    ['created', report({ job_status: 'CREATED' }), running(null)],
    ['created, counting', report({ job_status: 'created', completed_tasks: 2 }), running(2)],
    ['a state that nobody knows', report({ job_status: 'DREAMING' }), running(null, 'dreaming')],
    ['a state of nothing', report({ job_status: '' }), running(null, '')],
    [
      'an unknown state with results',
      report({ job_status: 'partly', results: [task(0)] }),
      running(null, 'partly'),
    ],
    ['a count of text', report({ job_status: 'created', completed_tasks: '2' }), running(null)],
    ['a negative count', report({ job_status: 'created', completed_tasks: -1 }), running(null)],
    ['half a count', report({ job_status: 'created', completed_tasks: 0.5 }), running(null)],
    ['299', answer(299, { job_status: 'created' }), running(null)],
    ['an answer without its id', answer(200, { job_status: 'created' }), running(null)],

    ["another job's id", report({ job_id: 'up-2' }), trouble('nonsense')],
    ['an id in other letters', report({ job_id: 'UP-1', results: [] }), trouble('nonsense')],
    ['an id of null', report({ job_id: null, results: [] }), trouble('nonsense')],
    ['no state', answer(200, { job_id: 'up-1' }), trouble('nonsense')],
    ['a state of null', report({ job_status: null }), trouble('nonsense')],
    ['a number for a state', report({ job_status: 1 }), trouble('nonsense')],
    ['completed without results', report({}), trouble('nonsense')],
    ['completed with results of null', report({ results: null }), trouble('nonsense')],
    ['results that are an object', report({ results: {} }), trouble('nonsense')],
    ['a task of null', report({ results: [null] }), trouble('nonsense')],
    ['a task of text', report({ results: ['r'] }), trouble('nonsense')],
    ['an empty answer', answer(200, ''), trouble('nonsense')],
    ['204', answer(204, ''), trouble('nonsense')],
    ['half an answer', answer(200, '{"job_id":"up-1","job_status":"comp'), trouble('nonsense')],
    ['HTML', answer(200, '<html/>'), trouble('nonsense')],
    ['a list', answer(200, []), trouble('nonsense')],
    ['100 000 levels', answer(200, nestedJson(100_000)), trouble('nonsense')],
    [
      'a result of 100 000 levels',
      answer(200, `{"job_status":"completed","results":[{"task_index":0,"result":${nestedJson(100_000)}}]}`),
      trouble('nonsense'),
    ],

    ['an answer that went on', answer(200, '{', { isTruncated: true }), { kind: 'too_large' }],
    ['404', answer(404, ''), { kind: 'missing' }],
    ['a long 404', answer(404, 'x', { isTruncated: true }), { kind: 'missing' }],
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
    ['199', answer(199, { job_status: 'created' }), trouble('nonsense')],
    ['300', answer(300, { job_status: 'created' }), trouble('nonsense')],
    ['400', answer(400, { job_status: 'created' }), trouble('nonsense')],
    ['a redirect', answer(307, ''), trouble('nonsense')],
    ['a cut connection', cut, trouble('cut')],
    ['no answer in time', timeout(true), trouble('timeout')],
    ['no connection in time', timeout(false), trouble('timeout')],
    ['no connection', notConnected, trouble('not_connected')],
  ])('%s', (_what, outcome, expected) => {
    expect(readReport(outcome, 'up-1', NOW)).toEqual(expected);
  });

  const resultsOf = (changes: object) => {
    const read = readReport(report(changes), 'up-1', NOW);
    if (!('results' in read) || read.results === null) throw new Error(read.kind);
    return { tasks: JSON.parse(read.results.json) as unknown, failedTasks: read.results.failedTasks };
  };

  it.each<[what: string, given: object[], expected: object[]]>([
    ['none', [], []],
    ['in order', [task(0), task(1)], [task(0), task(1)]],
    ['sorted by their index', [task(2), task(0), task(1)], [task(0), task(1), task(2)]],
    ['sorted as numbers', [task(10), task(9)], [task(9), task(10)]],
    [
      'as given when one index is missing',
      [task(2), { result: 'r' }, task(1)],
      [task(2), { result: 'r' }, task(1)],
    ],
    ['as given when one index is text', [task(1), { task_index: '0' }], [task(1), { task_index: '0' }]],
    ['with any result', [task(0, { a: [null, 'é😀', '\ud800'] })], [task(0, { a: [null, 'é😀', '\ud800'] })]],
    [
      'with more than was promised',
      [{ ...task(0), usage: { tokens: 9 } }],
      [{ ...task(0), usage: { tokens: 9 } }],
    ],
  ])('keeps the results of a completed job: %s', (_what, results, tasks) => {
    expect(resultsOf({ results })).toEqual({ tasks, failedTasks: 0 });
  });

  it.each(['completed', 'COMPLETED', 'Completed'])('knows %s', (job_status) => {
    expect(
      readReport(report({ job_status, completed_tasks: 1, results: [task(0)] }), 'up-1', NOW),
    ).toMatchObject({
      kind: 'completed',
      completedTasks: 1,
    });
  });

  it.each<[what: string, changes: object, failedTasks: number]>([
    ['an error', { error: 'no' }, 1],
    ['an error object', { error: { code: 1 } }, 1],
    ['a failed status', { status: 'FAILED' }, 1],
    ['an error status', { status: 'error' }, 1],
    ['no error', { error: null }, 0],
    ['an empty error', { error: '' }, 0],
    ['another status', { status: 'done' }, 0],
    ['a status that is no text', { status: 1 }, 0],
    ['a status in a list', { status: ['failed'] }, 0],
    ['a status that starts like one', { status: 'failed_over' }, 0],
    ['a status that ends like one', { status: 'no_error' }, 0],
  ])('counts a failed task by %s', (_what, changes, failedTasks) => {
    const results = [task(0), { ...task(1), ...changes }];
    expect(resultsOf({ results }).failedTasks).toBe(failedTasks);
  });

  it.each<[what: string, changes: object, results: object | null]>([
    ['without results', {}, null],
    ['with results of null', { results: null }, null],
    ['with some results', { results: [{ ...task(0), error: 'no' }] }, { failedTasks: 1 }],
  ])('knows a failed job %s', (_what, changes, results) => {
    const read = readReport(report({ job_status: 'Failed', completed_tasks: 1, ...changes }), 'up-1', NOW);
    expect(read).toMatchObject({ kind: 'failed', completedTasks: 1, results });
  });
});
