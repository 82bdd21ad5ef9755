import { gzipSync } from 'node:zlib';
import type { Case, Refusal, Said } from './case.ts';

/** Of the system under test, so that it can be seen to stay there. */
export const API_KEY = 'sk-CANARY-0123456789';

type Row = [what: string, said: Said, comesTo: Refusal];

const invalid: Refusal = { status: 400, code: 'modelstudio_invalid_request' };
const refused: Refusal = { status: 502, code: 'modelstudio_refused' };
const rejected: Refusal = { status: 502, code: 'modelstudio_rejected' };
const unavailable: Refusal = { status: 503, code: 'modelstudio_unavailable' };
const unknown: Refusal = { status: 504, code: 'submission_unknown' };
const noModel: Refusal = { status: 404, code: 'model_not_found' };

const html = '<!doctype html><html><body><h1>Service</h1></body></html>';
const credits = { detail: 'credits used up' };

/** Nothing was created, whatever the reason. */
const REFUSED = [
  ...[402, 405, 406, 407, 409, 410, 411, 412, 414, 416, 417, 418, 419, 420, 421, 423, 424, 425, 426, 428],
  ...[430, 431, 440, 444, 449, 450, 451, 460, 498, 499],
];
/** The address is wrong, and what is said there is not ModelStudio's. */
const REDIRECTED = [300, 301, 302, 303, 304, 305, 307, 308];
const elsewhere = { location: 'https://login.example.com/' };

const byStatus: Row[] = [
  ...[400, 413, 415, 422].map((status): Row => [`${status}`, { status, body: credits }, invalid]),
  ...REFUSED.map(
    (status): Row => [`${status}`, { status, body: credits }, { ...refused, says: 'credits used up' }],
  ),
  ...REDIRECTED.map((status): Row => [`${status}`, { status, headers: elsewhere }, refused]),
  ['401', { status: 401, body: { detail: 'Invalid token' } }, { ...rejected, creates: 2 }],
  ['403', { status: 403 }, rejected],
  ['408', { status: 408 }, unknown],
  ['429', { status: 429 }, unavailable],
  ['503', { status: 503 }, unavailable],
  ...[500, 501, 502, 504, 505, 507, 508, 511, 520, 524, 529, 599].map(
    (status): Row => [`${status}`, { status, body: html }, unknown],
  ),
  ['a status beyond all classes', { status: 999, body: credits }, unknown],
];

const byNotFound: Row[] = [
  ['404 that names the model', { status: 404, body: { detail: 'Model not found' } }, noModel],
  [
    '404 that names the model otherwise',
    { status: 404, body: { error: { message: 'No model with this id.' } } },
    noModel,
  ],
  ['404 without a body', { status: 404 }, refused],
  ['404 in text', { status: 404, body: 'default backend - 404' }, refused],
  ['404 in HTML', { status: 404, body: html }, refused],
  ['404 of FastAPI for a path', { status: 404, body: { detail: 'Not Found' } }, refused],
  ['404 that says not found', { status: 404, body: { error: 'not found' } }, refused],
  ['404 that says not found.', { status: 404, body: { message: 'Not found.' } }, refused],
  ['404 with the title alone', { status: 404, body: { title: 'Not Found', status: 404 } }, refused],
  [
    '404 of Spring',
    { status: 404, body: { status: 404, error: 'Not Found', message: 'No static resource api/v1/x.' } },
    refused,
  ],
  [
    '404 of Flask',
    { status: 404, body: { message: 'The requested URL was not found on the server. Please check.' } },
    refused,
  ],
  ['404 that says nothing', { status: 404, body: {} }, refused],
];

const sentence = (what: string, body: unknown, says: string, status = 400): Row => [
  `${status} with ${what}`,
  { status, body },
  { ...(status === 403 ? rejected : status === 402 ? refused : invalid), says },
];

const TOO_LONG = 'max_tokens must be <= 4096';
const fromFastApi = [
  { type: 'less_than', loc: ['body', 'max_tokens'], msg: 'Must be less', input: 'PROMPT' },
];

const bySentence: Row[] = [
  sentence('detail', { detail: TOO_LONG }, TOO_LONG),
  sentence('a message within detail', { detail: { message: TOO_LONG } }, TOO_LONG),
  sentence("FastAPI's list", { detail: fromFastApi }, 'max_tokens', 422),
  sentence("the reason in FastAPI's list", { detail: fromFastApi }, 'Must be less', 422),
  sentence('message', { message: TOO_LONG }, TOO_LONG),
  sentence('error', { error: TOO_LONG }, TOO_LONG),
  sentence('a message within error', { error: { code: 7, message: TOO_LONG } }, TOO_LONG),
  sentence('errors of text', { errors: [TOO_LONG] }, TOO_LONG),
  sentence('errors with messages', { errors: [{ field: 'x', message: TOO_LONG }] }, TOO_LONG),
  sentence('a title', { title: TOO_LONG }, TOO_LONG),
  sentence('short plain text', TOO_LONG, TOO_LONG),
  sentence(
    'a message that says less than its detail',
    { message: 'Bad Request', detail: TOO_LONG },
    TOO_LONG,
  ),
  sentence('an error that says less than its message', { error: 'Bad Request', message: TOO_LONG }, TOO_LONG),
  sentence(
    'a title that says less than its detail',
    { title: 'Unprocessable Entity', detail: TOO_LONG },
    TOO_LONG,
  ),
  sentence(
    'a detail that says less than its message',
    { detail: 'Bad Request', message: TOO_LONG },
    TOO_LONG,
  ),
  sentence('a line break', { detail: 'one\r\n\ttwo' }, 'one two'),
  sentence('a reason', { detail: 'The organization is suspended' }, 'The organization is suspended', 403),
  sentence('credits in a message', { message: 'Payment required: no credits' }, 'no credits', 402),
  [
    '400 compressed',
    {
      status: 400,
      headers: { 'content-encoding': 'gzip' },
      body: gzipSync(JSON.stringify({ detail: TOO_LONG })),
    },
    { ...invalid, says: TOO_LONG },
  ],
  ['422 with what was sent', { status: 422, body: { detail: fromFastApi } }, { ...invalid, hides: 'PROMPT' }],
  [
    '422 with a context',
    { status: 422, body: { detail: [{ loc: ['body'], msg: 'No', ctx: { error: 'PROMPT' } }] } },
    { ...invalid, hides: 'PROMPT' },
  ],
  [
    '422 with a place that no text can be made of',
    { status: 422, body: { detail: [{ loc: [{ toString: 1 }, 'x'], msg: TOO_LONG }] } },
    { ...invalid, says: TOO_LONG },
  ],
  ['400 in HTML', { status: 400, body: html }, { ...invalid, hides: '<h1>' }],
  ['400 with the key', { status: 400, body: { message: `key ${API_KEY}` } }, { ...invalid, hides: API_KEY }],
  [
    '400 with the key escaped',
    { status: 400, body: `{"message":"key sk-\\u0043ANARY-0123456789"}` },
    { ...invalid, hides: 'ANARY-0123' },
  ],
  ['402 with the key', { status: 402, body: { detail: `key ${API_KEY}` } }, { ...refused, hides: API_KEY }],
  [
    '400 at length',
    { status: 400, body: { detail: 'x'.repeat(5000) } },
    { ...invalid, hides: 'x'.repeat(301) },
  ],
];

/** A success that names no job may have created one. */
const byNonsense: Row[] = [
  ['no id', { body: { status: 'CREATED' } }, unknown],
  ['an empty id', { body: { job_id: '' } }, unknown],
  ['a blank id', { body: { job_id: ' ' } }, unknown],
  ['an id of null', { body: { job_id: null } }, unknown],
  ['an id that is true', { body: { job_id: true } }, unknown],
  ['an id that is a fraction', { body: { job_id: 1.5 } }, unknown],
  ['an id that is an object', { body: { job_id: { id: 'x' } } }, unknown],
  ['an id that is a list', { body: { job_id: ['x'] } }, unknown],
  ['an id of one dot', { body: { job_id: '.' } }, unknown],
  ['an id of two dots', { body: { job_id: '..' } }, unknown],
  ['two dots in data', { body: { data: { job_id: '..' } } }, unknown],
  ['an id with a line break', { body: { job_id: 'a\nb' } }, unknown],
  ['an id of 513 characters', { body: { job_id: 'x'.repeat(513) } }, unknown],
  ['a list', { body: [{ job_id: 'x' }] }, unknown],
  ['bare text', { body: '"x"' }, unknown],
  ['null', { body: 'null' }, unknown],
  ['nothing', {}, unknown],
  ['204', { status: 204 }, unknown],
  ['HTML', { body: html, headers: { 'content-type': 'text/html' } }, unknown],
  ['half a document', { body: '{"job_id":"x"' }, unknown],
  ['an error with 200', { body: { error: 'The queue is full.' } }, unknown],
  ['more than 2 MiB', { body: { job_id: 'x', padding: 'x'.repeat(3 * 1024 * 1024) } }, unknown],
];

export const refusals: Case[] = [
  ...[...byStatus, ...byNotFound, ...bySentence].map(([what, created, comesTo]) => ({
    what: `a create is answered by ${what}`,
    created,
    comesTo,
  })),
  ...byNonsense.map(([what, created, comesTo]) => ({
    what: `a create succeeds with ${what}`,
    created,
    comesTo,
  })),
];
