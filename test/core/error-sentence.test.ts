import { describe, expect, it } from 'vitest';
import { documentIn, type Json } from '../../functions/core/json/scan.ts';
import { LIMIT_SENTENCES } from '../../functions/core/upstream/dialect/sentences.ts';
import {
  isOneOf,
  quotes,
  sentenceOfFailure,
  sentenceOfRefusal,
} from '../../functions/core/upstream/error-sentence.ts';

const KEY = 'sk-CANARY-0123456789';
const bytes = (body: unknown) =>
  Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
const nestedJson = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
const base64 = Buffer.from(KEY).toString('base64');
const escaped = [...KEY].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');

describe('the sentence that is quoted from a refusal', () => {
  it.each<[what: string, body: unknown, sentence: string | null]>([
    ['message', { message: 'Too hot.' }, 'Too hot.'],
    ['detail', { detail: 'Too hot.' }, 'Too hot.'],
    ['detail.message', { detail: { message: 'Too hot.' } }, 'Too hot.'],
    ['error', { error: 'Too hot.' }, 'Too hot.'],
    ['error.message', { error: { message: 'Too hot.', code: 9 } }, 'Too hot.'],
    ['title', { title: 'Too hot', status: 400 }, 'Too hot'],
    ['a problem’s detail before its title', { title: 'Bad Request', detail: 'Too hot.' }, 'Too hot.'],
    ['errors of text', { errors: ['Too hot.', 'Too long.'] }, 'Too hot.; Too long.'],
    [
      'errors of objects',
      { errors: [{ message: 'Too hot.', field: 'temperature' }] },
      'temperature: Too hot.',
    ],
    [
      'errors by field',
      { title: 'Bad Request', errors: { temperature: ['Too hot.'] } },
      'temperature: Too hot.',
    ],
    [
      'messages with codes',
      { httpStatus: 422, messages: [{ errorCode: '9', message: 'Too hot.' }] },
      'Too hot.',
    ],
    [
      'a list of faults with places',
      { detail: [{ loc: ['body', 'max_tokens'], msg: 'Too many', type: 'x', input: 9, ctx: { le: 5 } }] },
      'max_tokens: Too many',
    ],
    [
      'a place of several steps',
      { detail: [{ loc: ['body', 'messages', 0], msg: 'Empty' }] },
      'messages.0: Empty',
    ],
    ['no more than five faults', { detail: Array(9).fill('No.') }, 'No.; No.; No.; No.; No.'],
    [
      'a huge input beside',
      { detail: [{ loc: ['body'], msg: 'Too long', input: 'x'.repeat(1e6) }] },
      'Too long',
    ],
    [
      'what tells more',
      { message: 'Bad Request', detail: 'max_tokens must be <= 4096' },
      'max_tokens must be <= 4096',
    ],
    ['a sentence before a code', { error: 'bad_request', message: 'Too hot.' }, 'Too hot.'],
    ['a code before nothing', { error: 'too_hot', message: 'Validation error' }, 'too_hot'],
    ['what says little, if there is no more', { message: 'Bad Request' }, 'Bad Request'],
    ['the one that is text', { message: ' ', detail: 5, error: 'Too hot.' }, 'Too hot.'],
    ['capital letters', { Message: 'Too hot.', StatusCode: 400 }, 'Too hot.'],
    ['errorMessage', { errorMessage: 'Too hot.', errorType: 'E' }, 'Too hot.'],
    [
      'fields that say more than the message',
      { message: 'The given data was invalid.', errors: { temperature: ['Too hot.'] } },
      'temperature: Too hot.',
    ],
    ['short plain text', 'Too hot.', 'Too hot.'],
    ['JSON text', '"Too hot."', 'Too hot.'],
    ['a list', ['Too hot.'], 'Too hot.'],
    ['line breaks', { message: ' Too\r\n\thot.\u0000 ' }, 'Too hot.'],
    ['line and paragraph separators', { message: 'Too\u2028\u2029hot.' }, 'Too hot.'],
    ['bidi controls and terminal codes', { message: 'Too\u202ehot\u001b[0m.' }, 'Too hot [0m.'],
    ['lone surrogates', { message: 'Too\ud800hot.' }, 'Too hot.'],
    ['other scripts', { message: 'température élevée 😀' }, 'température élevée 😀'],
    ['no more than 300 characters', { message: 'x'.repeat(301) }, 'x'.repeat(300)],
    ['no half of a pair at the end', { message: `${'x'.repeat(299)}😀` }, `${'x'.repeat(299)}\ufffd`],
    ['none: empty', '', null],
    ['none: HTML', '<html>Too hot.</html>', null],
    ['none: half a document', '{"message":"Too', null],
    ['none: what is no text', Buffer.from([0x1f, 0x8b, 8, 0, 0xff]), null],
    ['none: text in UTF-16', Buffer.from('Too hot.', 'utf16le'), null],
    ['none: what was asked, in capital letters', { errors: { Input: ['Too hot.'] } }, null],
    ['none: long text', 'x'.repeat(301), null],
    ['none: null', null, null],
    ['none: other fields', { prompt: 'Too hot.' }, null],
    ['none: what was asked', { detail: [{ input: 'Too hot.', ctx: { reason: 'Too hot.' } }] }, null],
    ['none: what was asked, as fields', { errors: { input: ['Too hot.'], ctx: ['Too hot.'] } }, null],
    ['none: 100 000 levels', `{"message":${nestedJson(100_000)}}`, null],
    ['none: error of null', { error: null }, null],
    ['none: a million objects', `{"detail":[${'{},'.repeat(1e5)}{}]}`, null],
  ])('is found or left out: %s', (_what, body, sentence) => {
    expect(sentenceOfRefusal(bytes(body), KEY)).toBe(sentence);
  });

  it.each<[what: string, body: unknown]>([
    ['as it is', { message: `Bad key ${KEY}` }],
    ['with letters escaped', `{"message":"Bad key sk-\\u0043ANARY-0123456789"}`],
    ['escaped twice', { message: `Bad key ${escaped}` }],
    ['in other letters', { message: `Bad key ${KEY.toLowerCase()}` }],
    ['set apart', { message: 'Bad key sk - CANARY - 0123 4567 89' }],
    ['with invisible characters', { message: `Bad key ${[...KEY].join('\u200b')}` }],
    ['in percent-encoding', { message: `Bad key ${KEY.replaceAll('-', '%2D').replace('C', '%43')}` }],
    ['as HTML', { message: `Bad key sk&#45;&#x43;ANARY-0123456789` }],
    ['in base64', { message: `Bad header ${base64}` }],
    ...['Bearer ', 'u:', 'me:', 'you:'].map((before): [string, unknown] => [
      `in base64 behind ${before}`,
      { message: `Bad header ${Buffer.from(`${before}${KEY}\n`).toString('base64url')}` },
    ]),
    ['in percent-encoding, twice', { message: `Bad key ${KEY.replaceAll('-', '%252D')}` }],
    ['in wide letters', { message: 'Bad key ｓｋ－ＣＡＮＡＲＹ－０１２３４５６７８９' }],
    ['with a character by name', { message: `Bad key ${KEY.replaceAll('-', '&hyphen;')}` }],
    ['with a character by its number in braces', { message: `Bad key ${KEY.replace('s', '\\u{73}')}` }],
    ['beyond what is shown', { message: `${'x'.repeat(290)}${KEY}` }],
    ['in a list', { detail: [{ msg: `Bad key ${KEY}` }] }],
    ['in plain text', `Bad key ${KEY}`],
  ])('is left out when it gives the API key away: %s', (_what, body) => {
    expect(sentenceOfRefusal(bytes(body), KEY)).toBeNull();
  });
});

describe('the sentence that is quoted from a failed job', () => {
  it.each<[what: string, report: object, sentence: string | null]>([
    ['error', { job_status: 'failed', error: 'CUDA out of memory' }, 'CUDA out of memory'],
    ['error.message', { error: { message: 'CUDA out of memory', code: 500 } }, 'CUDA out of memory'],
    [
      'error before message',
      { message: 'Status was read', error: 'CUDA out of memory' },
      'CUDA out of memory',
    ],
    ['message', { message: 'CUDA out of memory' }, 'CUDA out of memory'],
    ['none of the results', { results: [{ error: 'no', message: 'no' }] }, null],
  ])('is found or left out: %s', (_what, report, sentence) => {
    const body = bytes(report);
    expect(sentenceOfFailure(documentIn(body) as Json, KEY)).toBe(sentence);
  });
});

it.each<[sentence: string, isQuoting: boolean]>([
  ['No credit is left', false],
  ['Refused: "what do I earn"', true],
  ['Refused: WHAT_DO_I_EARN…', true],
  ['Запрещено: сколько я зарабатываю', true],
  ['Refused: "Say, what do I"', true],
  ['What', false],
  ['', false],
])('whether "%s" quotes the prompt: %s', (sentence, isQuoting) => {
  const asked = ['m', [[{ role: 'user', content: 'Say,\nwhat do I earn? Сколько я зарабатываю?' }]]];
  expect(quotes(sentence, asked)).toBe(isQuoting);
});

describe('a refusal that quotes a long prompt is read at once', () => {
  const long = 60_000;
  it.each([
    ['a run of dots', `Invalid prompt: ${'.'.repeat(long)}x`],
    ['a run of blanks', `Invalid prompt: ${' '.repeat(long)}x`],
    ['words of limits', 'wait until jobs requests '.repeat(long / 25)],
    ['a code of limits', 'concurren'.repeat(long / 9)],
  ])('%s', (_what, detail) => {
    const said = sentenceOfRefusal(bytes({ detail, message: detail }), KEY);
    expect(said).toBe(detail.trim().slice(0, 300));
    expect(isOneOf(LIMIT_SENTENCES, detail)).toBe(false);
  });
});

describe('of two sentences, the one that says something is quoted', () => {
  const telling = 'max_tokens is too large';
  const quoted = (sentence: string) =>
    sentenceOfRefusal(bytes({ detail: sentence, message: telling }), 'sk-none-of-these');

  it.each([
    ...['Error', 'error', 'An error', 'A failure occurred', 'Unknown error', 'internal exception'],
    ...['Bad request', 'Invalid input', 'invalid parameter', 'Malformed parameters', 'Bad request!! '],
    ...['Validation error', 'validation errors', 'Request validation failed', 'Unprocessable entity'],
    ...['One or more validation errors occurred.', 'The given data was invalid', 'The request is invalid.'],
    ...[
      'Unauthorized',
      'Access denied',
      'Payment required',
      'Job failed',
      'The job failed',
      'task has failed',
    ],
  ])('which is not: %s', (sentence) => {
    expect(quoted(sentence)).toBe(telling);
  });

  it.each([
    ...['Error in temperature', 'This is no error', 'Unknown error in temperature'],
    ...['Bad request for a model', 'Such a bad request', 'Validation error in temperature'],
    ...['The request validation failed', 'Today one or more validation errors occurred'],
    ...['One or more validation errors occurred in temperature', 'Line 3 of the request is invalid'],
    ...[
      'The request is invalid for this model',
      'An unprocessable entity',
      'Unprocessable entity temperature',
    ],
    ...['Model access denied', 'Access denied to this model', 'Your job failed', 'The job failed twice'],
  ])('such as: %s', (sentence) => {
    expect(quoted(sentence)).toBe(sentence);
  });
});
