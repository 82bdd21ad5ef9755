import { describe, expect, it } from 'vitest';
import { Json } from '../../functions/core/json/scan.ts';
import { detailsOf, readConversation } from '../../functions/core/parts/conversation.ts';
import { linesIn, withOurs } from '../../functions/core/parts/merging.ts';
import {
  NOT_BEGUN,
  pack,
  partIds,
  partsInMind,
  partsToBegin,
  tooManyParts,
  withFirst,
} from '../../functions/core/parts/parts.ts';
import type { Parts } from '../../functions/core/parts/row.ts';
import { NotAnArray, Scanner } from '../../functions/core/parts/scanner.ts';

type Found = [text: string | null, place: number];

/** The conversations in a file that comes in pieces of so many bytes. */
function scan(format: 'json' | 'jsonl', text: string | Buffer, size: number, maxBytes = 1000): Found[] {
  const bytes = Buffer.from(text);
  const scanner = new Scanner(format, maxBytes);
  const found: Found[] = [];
  const take = (pieces: ReturnType<Scanner['push']>) => {
    for (const { from, to, place, bytes: own } of pieces) {
      if (own) expect(bytes.subarray(from, to)).toEqual(own);
      found.push([own?.toString().trim() ?? null, place]);
    }
  };
  for (let at = 0; at < bytes.length; at += size) take(scanner.push(bytes.subarray(at, at + size)));
  take(scanner.end());
  return found;
}

const SIZES = [1, 2, 3, 7, 1000];

describe('a file is divided into its conversations, in pieces of any size', () => {
  it.each<[what: string, format: 'json' | 'jsonl', text: string, found: Found[]]>([
    [
      'lines',
      'jsonl',
      '[1]\n[2]\n',
      [
        ['[1]', 1],
        ['[2]', 2],
      ],
    ],
    [
      'lines without an end',
      'jsonl',
      '[1]\n[2]',
      [
        ['[1]', 1],
        ['[2]', 2],
      ],
    ],
    [
      'lines of Windows, and empty ones',
      'jsonl',
      '\r\n[1]\r\n \r\n[2]\r\n\r\n',
      [
        ['[1]', 2],
        ['[2]', 4],
      ],
    ],
    [
      'lines after a byte order mark',
      'jsonl',
      '\ufeff[1]\n[2]',
      [
        ['[1]', 1],
        ['[2]', 2],
      ],
    ],
    ['nothing in lines', 'jsonl', '\n\n', []],
    [
      'an array',
      'json',
      '[[1],[2]]',
      [
        ['[1]', 0],
        ['[2]', 1],
      ],
    ],
    [
      'an array with space',
      'json',
      ' [ [1] ,\n[2] ] \n',
      [
        ['[1]', 0],
        ['[2]', 1],
      ],
    ],
    ['an array after a byte order mark', 'json', '\ufeff[[1]]', [['[1]', 0]]],
    ['an empty array', 'json', '[]', []],
    [
      'brackets in strings',
      'json',
      '[["]\\"[,"],{"a":"}"}]',
      [
        ['["]\\"[,"]', 0],
        ['{"a":"}"}', 1],
      ],
    ],
    [
      'letters of several bytes',
      'json',
      '[["é😀"],["ß"]]',
      [
        ['["é😀"]', 0],
        ['["ß"]', 1],
      ],
    ],
  ])('%s', (_what, format, text, found) => {
    for (const size of SIZES) expect(scan(format, text, size)).toEqual(found);
  });

  it.each(['json', 'jsonl'] as const)('one that is too large is found, but not kept: %s', (format) => {
    const text = format === 'json' ? '[[1],["xxxxxxxx"],[2]]' : '[1]\n["xxxxxxxx"]\n[2]';
    for (const size of SIZES)
      expect(scan(format, text, size, 8).map(([own]) => own)).toEqual(['[1]', null, '[2]']);
  });

  it.each(['', '{}', '"a"', '[[1]', '[[1],]', '[[1] [2]]', '[,[1]]', '[1]', '[[1]]x', '[[1]]]', 'null'])(
    'what is no array of conversations is refused: %j',
    (text) => {
      for (const size of SIZES) expect(() => scan('json', text, size)).toThrow(NotAnArray);
    },
  );

  it.each([
    ['the object that has the array', '{"messages":[["a"]]}', 'does not begin with [ in UTF-8'],
    ['other letters', '\ufffe[', 'does not begin with [ in UTF-8'],
    ['one a line', '[{"a":1}]\n[{"a":2}]', 'its format may be jsonl'],
    ['an array that is cut', '[["a"],', 'it ends before the array does'],
    ['a value that is no conversation', '[["a"],7]', 'breaks off after 1 of its conversations'],
  ])('says what is wrong with %s', (_what, text, sentence) => {
    expect(() => scan('json', text, 5)).toThrow(sentence);
  });
});

describe('a conversation of a file', () => {
  const hi = [{ role: 'user', content: 'hi' }];
  const read = (value: unknown, format: 'json' | 'jsonl' = 'jsonl') =>
    readConversation(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)), format);

  it.each([
    ['an array', hi],
    ['an object with it', { messages: hi }],
    ['an object with more in it', { messages: hi, weight: 1, tools: [{}] }],
    ['a reply of another API', [{ ...hi[0], refusal: null, tool_calls: [] }]],
  ])('may be %s', (_what, value) => {
    expect(read(value)).toEqual(hi);
  });

  it.each<[what: string, value: unknown, pointer: string, message: string | RegExp]>([
    ['text', 'hi', '', /^The conversation is not valid JSON: column 1 has/],
    ['a number', 1, '', 'Must be an array of 1 to 1000 messages'],
    ['an object without it', { message: hi }, '/messages', 'Must be an array of 1 to 1000 messages'],
    ['a message without content', [{ role: 'user' }], '/0/content', 'Required'],
    ['the same in an object', { messages: [{ role: 'user' }] }, '/messages/0/content', 'Required'],
    ['a name twice', '[{"role":"user","role":"user","content":"x"}]', '/0/role', 'Must be given once'],
  ])('must not be %s', (_what, value, pointer, message) => {
    const found = read(value);
    expect(found).toEqual({
      faults: [{ pointer, message: typeof message === 'string' ? message : expect.stringMatching(message) }],
    });
  });

  it('is an array in an array, where an object has another meaning', () => {
    expect(read({ messages: hi }, 'json')).toHaveProperty('faults');
  });

  it('says where its faults are, by line or by pointer', () => {
    const piece = { from: 0, to: 0, place: 3, bytes: null };
    const faults = [
      { pointer: '', message: 'a' },
      { pointer: '/0', message: 'b' },
    ];
    expect(detailsOf(piece, 'jsonl', faults)).toEqual([
      { line: 3, message: 'a' },
      { line: 3, message: '/0: b' },
    ]);
    expect(detailsOf(piece, 'json', faults)).toEqual([
      { pointer: '/3', message: 'a' },
      { pointer: '/3/0', message: 'b' },
    ]);
  });
});

describe('conversations are packed', () => {
  it.each<[what: string, bytes: number[], limits: [conversations: number, bytes: number], parts: number[][]]>(
    [
      ['by their number', [1, 1, 1, 1, 1], [2, 100], [[0, 1], [2, 3], [4]]],
      [
        'by their bytes',
        [4, 4, 4, 4],
        [10, 8],
        [
          [0, 1],
          [2, 3],
        ],
      ],
      ['one that is too large alone', [1, 20, 1, 1], [10, 8], [[0], [1], [2, 3]]],
      ['none', [], [10, 8], []],
    ],
  )('%s', (_what, sizes, [conversations, bytes], parts) => {
    const tasks = [...sizes.keys()];
    expect(pack(tasks, (task) => sizes[task] ?? 0, { conversations, bytes })).toEqual(parts);
  });

  it('only those that are given', () => {
    expect(pack([1, 5, 9], () => 1, { conversations: 2, bytes: 10 })).toEqual([[1, 5], [9]]);
  });
});

it.each<[what: string, parts: Partial<Parts>, more: number]>([
  ['the first goes alone', {}, 1],
  ['none follows while it waits', { begun: 1, open: [0] }, 0],
  ['they follow when it is taken', { begun: 1, open: [0], isTaken: true }, 2],
  ['one after the other while none is taken', { begun: 1, open: [] }, 1],
  ['as many as there is room for', { begun: 5, open: [3, 4], isTaken: true }, 1],
])('of the parts of a job, %s', (_what, parts, more) => {
  expect(partsToBegin({ ...NOT_BEGUN, ...parts } as Parts, 3)).toBe(more);
});

it.each([
  ['none before they are planned', { rounds: [] }, -1, 0, 0],
  ['all that are left', { rounds: [{ parts: 7 }], begun: 5 }, 0, 5, 7],
  ['no more than may run at once', { rounds: [{ parts: 9 }, { parts: 300 }], begun: 5 }, 1, 5, 105],
])('the next worker may begin %s', (_what, parts, round, from, to) => {
  expect(partsInMind({ ...NOT_BEGUN, ...parts } as never)).toEqual({ round, from, to });
});

function partsOf(rounds: readonly number[], begun: number): Parts {
  return { ...NOT_BEGUN, rounds: rounds.map((parts) => ({ parts })), begun } as never;
}

it('a job knows the ids of all its parts', () => {
  const job = { jobId: 'job_1', parts: partsOf([2, 1], 0) };
  expect(partIds(job)).toEqual(['job_1-0-0', 'job_1-0-1', 'job_1-1-0']);
  expect(partIds({ jobId: 'job_1' })).toEqual([]);
});

it.each([
  ['that were begun, and those that the next worker has in mind', [5000], 3, 103],
  ['of all rounds but the latest', [300, 200], 0, 400],
  ['when all were begun', [3, 2], 2, 5],
  ['but none before they are planned', [], 0, 0],
])('there may be something of all parts %s', (_what, rounds, begun, count) => {
  expect(partIds({ jobId: 'job_1', parts: partsOf(rounds, begun) }).length).toBe(count);
});

it.each([5, 4, 3, 2, 0])('of the parts of a job, the first %i are left', (count) => {
  const job = { jobId: 'job_1', parts: partsOf([3, 2], 2) };
  const left = { ...job, parts: withFirst(job.parts, count) };
  expect(partIds(left)).toEqual(partIds(job).slice(0, count));
});

it.each([
  [20_000, 0, null],
  [20_001, 0, /has 20001 parts, of at most 20000\. Nothing was created/],
  [5000, 3, null],
  [5001, 3, /has 5001 parts, and with all retries 20004, of at most 20000/],
])('a job of %i parts and %i retries can be merged', (parts, retries, refusal) => {
  const refused = tooManyParts(parts, retries);
  if (refusal === null) expect(refused).toBeNull();
  else expect(refused).toEqual({ code: 'invalid_input', message: expect.stringMatching(refusal) });
});

describe('a result in the whole', () => {
  it.each([
    ['{"task_index":0,"a":1}', 7, undefined, '{"task_index":7,"a":1}'],
    ['{ "a" : 1.10 , "task_index" : 0 }', 7, 2, '{ "a" : 1.10 , "task_index" : 7 ,"attempts":2}'],
    ['{"a":1}', 7, undefined, '{"a":1,"task_index":7}'],
    ['{}', 7, 2, '{"task_index":7,"attempts":2}'],
    ['{"attempts":9,"task_index":"0"}', 7, 2, '{"attempts":2,"task_index":7}'],
    ['{"a":{"task_index":0}}', 7, undefined, '{"a":{"task_index":0},"task_index":7}'],
  ])('%s keeps its bytes', (json, task_index, attempts, whole) => {
    const ours = { task_index, ...(attempts && { attempts }) };
    expect(withOurs(new Json(Buffer.from(json)), ours)).toBe(whole);
  });

  it('is on one line', () => {
    expect([...linesIn('[{"a":\r\n1},\n{"b":"c\\nd"}]')]).toEqual(['{"a":  1}\n', '{"b":"c\\nd"}\n']);
    expect([...linesIn('[]')]).toEqual([]);
  });
});
