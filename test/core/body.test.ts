import { describe, expect, it } from 'vitest';
import { readJson } from '../../functions/core/http/body.ts';
import type { Fault } from '../../functions/core/http/problem.ts';

const BODY_MAX_BYTES = 4_194_304;
const json = { 'content-type': 'application/json' };
const ofType = (type: string | undefined) => ({ 'content-type': type });
const read = (headers: Record<string, string | undefined>, body: string | Buffer) =>
  readJson({ headers, body: Buffer.from(body as string), requestId: 'req-1' }, (value) => ({ value }));
const padded = (bytes: number) => `{}${' '.repeat(bytes - 2)}`;

describe('a JSON body is read', () => {
  it.each<[what: string, body: string | Buffer, value: unknown]>([
    ['an object', '{"a":1}', { a: 1 }],
    ['white space around it', ' \r\n\t{"a":1} \n', { a: 1 }],
    ['null', 'null', null],
    ['UTF-8', '"é😀"', 'é😀'],
    ['escapes', '"\\u00e9\\ud800"', 'é\ud800'],
    ['4 MiB', padded(BODY_MAX_BYTES), {}],
    ['any brackets in text', JSON.stringify(`"\\${'[{'.repeat(240_000)}`), `"\\${'[{'.repeat(240_000)}`],
  ])('when it holds %s', (_what, body, value) => {
    expect(read(json, body)).toEqual({ value });
  });

  it('when it has as many objects and arrays as a valid one can have', () => {
    const message = '{"role":"user","content":[{"type":"text","text":""}]}';
    const conversation = `[${Array(1000).fill(message).join(',')}]`;
    const conversations = Array(Math.floor(BODY_MAX_BYTES / (conversation.length + 1))).fill(conversation);
    expect(read(json, `[${conversations.join(',')}]`)).toHaveProperty('value');
  });

  it('when it is sixteen levels deep, again and again', () => {
    const deep = `${'{"a":'.repeat(14)}[]${'}'.repeat(14)}`;
    expect(read(json, `[${deep},${deep}]`)).toHaveProperty('value');
  });
});

describe('the Content-Type', () => {
  it.each([
    'application/json',
    'Application/JSON',
    'application/json;',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'application/json ; charset = "utf-8"',
    'application/json; charset=utf8',
    'application/json; charset="UTF8"',
    'application/json; charset=Utf-8 ; charset=utf8',
    ' application/json',
    'application/json; version=1',
    'application/json; xcharset=latin1',
    'application/json; q="a=b"; charset=utf-8; odd',
  ])('%s is accepted', (type) => {
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
    'application/json; charset=utf 8',
    'application/json; charset=',
    'application/json; charset=""',
    'application/json; charset="utf-8',
    'application/json; version=1; charset=latin1',
    'application/json; charset=utf-8; charset=latin1',
    'application/json; CharSet=ISO-8859-1',
    'application/json charset=utf-8',
    'application/json,application/json',
    'application/json, text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
  ])('%s is refused with 415', (type) => {
    expect(read(ofType(type), '{}')).toMatchObject({ status: 415 });
  });

  it.each([
    ['none', undefined, 200],
    ['identity', 'Identity', 200],
    ['gzip', 'gzip', 415],
    ['two', 'identity, gzip', 415],
  ])('is judged apart from the Content-Encoding: %s', (_what, encoding, status) => {
    expect({ status: 200, ...read({ ...json, 'content-encoding': encoding }, '{}') }).toMatchObject({
      status,
    });
  });
});

describe('a body that cannot be read', () => {
  const fault = (message: unknown) => ({ errors: [{ pointer: '', message }] });
  const notJson = fault(expect.stringMatching(/^The body is not valid JSON: .*line \d+, column \d+.*\.$/));
  const tooMany = fault('The body has more than 240000 objects and arrays.');
  const tooManyElements = fault("The body's arrays have more than 240000 elements.");
  const tooDeep = fault('The body is nested deeper than 16 levels.');
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
    ['a trailing comma', '[1,]', notJson],
    ['NaN', '{"a":NaN}', notJson],
    ['hexadecimal', '{"a":0x10}', notJson],
    ['two documents', '{}{}', notJson],
    ['a line break in a string', '{"a":"b\nc"}', notJson],
    ['XML', '<a/>', notJson],
    ['a byte order mark', '\ufeff{}', notJson],
    ['16 open brackets', '['.repeat(16), notJson],
    ['17 levels', `${'[['.repeat(8)}{}${']]'.repeat(8)}`, tooDeep],
    ['4 M open brackets', '['.repeat(BODY_MAX_BYTES), tooDeep],
    ['objects within objects', '{"a":'.repeat(240_000), tooDeep],
    ['240 001 objects and arrays', `[${Array(240_000).fill('{}').join(',')}]`, tooMany],
    ['240 002 numbers', `{"a":[${Array(240_002).fill('0').join(',')}]}`, tooManyElements],
    [
      '240 002 numbers in arrays',
      `[[0,0${',[0,0]'.repeat(80_001)}],"a",1${',2'.repeat(80_000)}]`,
      tooManyElements,
    ],
    ['1001 fields in an object', `[{"a":1},{${fields(1001)}}]`, tooManyFields],
    ['1001 fields around objects', `{${fields(1000)},"b":{"c":1}}`, tooManyFields],
    ['a string that never ends', `{"a":"${'['.repeat(240_001)}`, notJson],
    ['strings that seem to go on', `["\\\\",${Array(240_000).fill('[]').join(',')}]`, tooMany],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22]), notUtf8],
    ['overlong UTF-8', Buffer.from([0x22, 0xc0, 0xaf, 0x22]), notUtf8],
    ['half of a pair in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), notUtf8],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le'), notJson],
  ])('is refused: %s', (_what, body, problem) => {
    const answer = read(json, body);
    expect(answer).toMatchObject({ status: 400 });
    expect(JSON.parse((answer as { body: string }).body)).toMatchObject({
      code: 'invalid_request',
      ...problem,
    });
  });

  it('is refused with a sentence that says where and why', () => {
    const { body } = read(json, '[1,]') as { body: string };
    const sentence =
      'The body is not valid JSON: line 1, column 4 has a closing bracket right after a comma.';
    expect(JSON.parse(body)).toMatchObject({ detail: sentence, errors: [{ message: sentence }] });
  });

  it('is refused when it is larger than 4 MiB', () => {
    expect(read(json, padded(BODY_MAX_BYTES + 1))).toMatchObject({ status: 413 });
  });

  it('is judged by its type, then its size, then its content', () => {
    const long = 'x'.repeat(BODY_MAX_BYTES + 1);
    expect(read(ofType('text/plain'), long)).toMatchObject({ status: 415 });
    expect(read(json, long)).toMatchObject({ status: 413 });
  });
});

describe('a name that an object has twice', () => {
  const errorsIn = (body: string, faults: Fault[] = []) => {
    const answer = readJson({ headers: json, body: Buffer.from(body), requestId: 'req-1' }, () =>
      faults.length > 0 ? { faults } : {},
    );
    return 'body' in answer ? JSON.parse(answer.body as string).errors : [];
  };
  const twice = (...pointers: string[]) =>
    pointers.map((pointer) => ({ pointer, message: 'Must be given once' }));

  it.each<[what: string, body: string, ...pointers: string[]]>([
    ['in the body itself', '{"a":1,"b":2,"a":1}', '/a'],
    ['deep inside', '{"m":[[{"role":"user","content":[{"x":1},{"y":{},"y":[]}],"role":1}]]}', ...[]],
    ['three times', '{"a":1,"a":2,"a":3}', '/a', '/a'],
    ['in other letters', '{"a/b":1,"\\u0061\\/b":2}', '/a~1b'],
    ['that is empty', '{"":1,"":2}', '/'],
    ['that objects pass over', '{"__proto__":1,"__proto__":2}', '/__proto__'],
    ['that looks like a number', '[0,{"0":1,"0":1}]', '/1/0'],
    ['whose values are objects', '{"a":{"b":1},"a":{"b":1}}', '/a'],
    ['after strings that look like names', '{"a":"\\"a\\":","b":"{\\"b\\":1","b":1}', '/b'],
  ])('is refused: %s', (_what, body, ...pointers) => {
    const expected = pointers.length > 0 ? pointers : ['/m/0/0/content/1/y', '/m/0/0/role'];
    expect(errorsIn(body)).toEqual(twice(...expected));
  });

  it.each([
    ['in two objects', '[{"a":1},{"a":1},{"a":{"a":1}}]'],
    ['in other letters of another case', '{"a":1,"A":2}'],
    ['as a name and as text', '{"a":"a","b":"a"}'],
    ['as names of the prototype', '{"constructor":1,"toString":2,"__proto__":{"__proto__":1}}'],
    ['no object at all', '"a:a:a"'],
  ])('is not found where there is none: %s', (_what, body) => {
    expect(errorsIn(body)).toEqual([]);
  });

  it('is reported along with all other faults', () => {
    const fault = { pointer: '/b', message: 'Unknown field' };
    expect(errorsIn('{"a":1,"a":2,"b":3}', [fault])).toEqual([...twice('/a'), fault]);
  });

  it.each<[what: string, body: string]>([
    ['240 000 objects', `[${Array(239_998).fill('{"a":1,"a":2}').join(',')}]`],
    ['a thousand names far down', `${'['.repeat(15)}{${'"a":1,'.repeat(999)}"a":1}${']'.repeat(15)}`],
    ['names of 2 MiB', `{"${'k'.repeat(2_000_000)}":1,"${'k'.repeat(2_000_000)}":2}`],
  ])('is reported in little time and few words: %s', (_what, body) => {
    const errors = errorsIn(body);
    expect(errors.length).toBeGreaterThan(0);
    expect(errors.length).toBeLessThanOrEqual(100);
    expect(JSON.stringify(errors).length).toBeLessThan(64 * 1024);
  });
});
