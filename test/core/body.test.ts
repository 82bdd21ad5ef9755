import { describe, expect, it } from 'vitest';
import { readJson } from '../../functions/core/body.ts';

const BODY_MAX_BYTES = 4_194_304;
const json = { 'content-type': 'application/json' };
const ofType = (type: string | undefined) => ({ 'content-type': type });
const read = (headers: Record<string, string | undefined>, body: string | Buffer) =>
  readJson(headers, Buffer.from(body as string), 'req-1');
const padded = (bytes: number) => `{}${' '.repeat(bytes - 2)}`;

describe('a body in JSON is read', () => {
  it.each<[what: string, body: string | Buffer, value: unknown]>([
    ['an object', '{"a":1}', { a: 1 }],
    ['white space around it', ' \r\n\t{"a":1} \n', { a: 1 }],
    ['null', 'null', null],
    ['UTF-8', '"é😀"', 'é😀'],
    ['escapes', '"\\u00e9\\ud800"', 'é\ud800'],
    ['4 MiB', padded(BODY_MAX_BYTES), {}],
    ['any brackets in text', JSON.stringify(`"\\${'[{'.repeat(240_000)}`), `"\\${'[{'.repeat(240_000)}`],
  ])('%s', (_what, body, value) => {
    expect(read(json, body)).toEqual({ value });
  });

  it('with as many objects and arrays as a valid one can have', () => {
    const message = '{"role":"user","content":[{"type":"text","text":""}]}';
    const conversation = `[${Array(1000).fill(message).join(',')}]`;
    const conversations = Array(Math.floor(BODY_MAX_BYTES / (conversation.length + 1))).fill(conversation);
    expect(read(json, `[${conversations.join(',')}]`)).toHaveProperty('value');
  });

  it('at any depth', () => {
    expect(read(json, '['.repeat(100_000) + ']'.repeat(100_000))).toHaveProperty('value');
  });
});

describe('the type', () => {
  it.each([
    'application/json',
    'Application/JSON',
    'application/json;',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'application/json ; charset = "utf-8"',
  ])('%s is taken', (type) => {
    expect(read(ofType(type), '{}')).toEqual({ value: {} });
  });

  it.each([
    undefined,
    '',
    'text/plain',
    'text/json',
    'application/json5',
    'application/problem+json',
    'application/jsonp',
    'xapplication/json',
    'application/json; charset=utf-16',
    'application/json; charset=iso-8859-1',
    'application/json; charset=utf-85',
    'application/json; xcharset=utf-8',
    'application/json, text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
  ])('%s is not', (type) => {
    expect(read(ofType(type), '{}')).toMatchObject({ status: 415 });
  });

  it.each([
    ['none', undefined, 200],
    ['identity', 'Identity', 200],
    ['gzip', 'gzip', 415],
    ['two', 'identity, gzip', 415],
  ])('is one thing, its encoding another: %s', (_what, encoding, status) => {
    expect({ status: 200, ...read({ ...json, 'content-encoding': encoding }, '{}') }).toMatchObject({
      status,
    });
  });
});

describe('what is refused', () => {
  const fault = (message: unknown) => ({ errors: [{ pointer: '', message }] });
  const notJson = fault(expect.stringMatching(/^The body is not valid JSON(: see line \d+, column \d+)?\.$/));
  const tooMany = fault('The body has more than 240000 objects and arrays.');
  const tooManyFields = fault('An object of the body has more than 1000 fields.');
  const fields = (count: number) => Array.from({ length: count }, (_, i) => `"k${i}":{":":"}"}`).join(',');
  const notUtf8 = fault('The body is not valid UTF-8.');
  const empty = fault('The body is empty.');

  it.each<[what: string, body: string | Buffer, problem: object]>([
    ['nothing', '', empty],
    ['white space', ' \n', empty],
    ['half of it', '{"a":', notJson],
    ['single quotes', "{'a':1}", notJson],
    ['a comment', '{"a":1 /* c */}', notJson],
    ['a comma too many', '{\n  "a": 1,\n}', fault('The body is not valid JSON: see line 3, column 1.')],
    ['what looks like a place in it', '["(line 7 column 7)" x', fault(expect.not.stringContaining('7'))],
    ['a trailing comma', '[1,]', notJson],
    ['NaN', '{"a":NaN}', notJson],
    ['hexadecimal', '{"a":0x10}', notJson],
    ['two documents', '{}{}', notJson],
    ['a line break in a string', '{"a":"b\nc"}', notJson],
    ['XML', '<a/>', notJson],
    ['a byte order mark', '\ufeff{}', notJson],
    ['240 000 open brackets', '['.repeat(240_000), notJson],
    ['240 001 open brackets', '['.repeat(240_001), tooMany],
    ['240 001 objects and arrays', `[${Array(240_000).fill('{}').join(',')}]`, tooMany],
    ['1001 fields in an object', `[{"a":1},{${fields(1001)}}]`, tooManyFields],
    ['1001 fields around objects', `{${fields(1000)},"b":{"c":1}}`, tooManyFields],
    ['a string that never ends', `{"a":"${'['.repeat(240_001)}`, notJson],
    ['strings that seem to go on', `["\\\\",${Array(240_000).fill('[]').join(',')}]`, tooMany],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22]), notUtf8],
    ['overlong UTF-8', Buffer.from([0x22, 0xc0, 0xaf, 0x22]), notUtf8],
    ['half of a pair in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), notUtf8],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le'), notJson],
  ])('%s', (_what, body, problem) => {
    const answer = read(json, body);
    expect(answer).toMatchObject({ status: 400 });
    expect(JSON.parse((answer as { body: string }).body)).toMatchObject({
      code: 'invalid_request',
      ...problem,
    });
  });

  it('more than 4 MiB', () => {
    expect(read(json, padded(BODY_MAX_BYTES + 1))).toMatchObject({ status: 413 });
  });

  it('the type before the size, and the size before the content', () => {
    const long = 'x'.repeat(BODY_MAX_BYTES + 1);
    expect(read(ofType('text/plain'), long)).toMatchObject({ status: 415 });
    expect(read(json, long)).toMatchObject({ status: 413 });
  });
});
