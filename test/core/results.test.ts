import { describe, expect, it } from 'vitest';
import { documentIn, type Json } from '../../functions/core/json/scan.ts';
import { placeResults } from '../../functions/core/upstream/results.ts';

function placed(results: unknown, totalTasks: number) {
  const body = Buffer.from(typeof results === 'string' ? results : JSON.stringify(results));
  return placeResults(documentIn(body) as Json, totalTasks);
}

const task = (task_index: unknown, more: object = {}) => ({
  task_index,
  status: 'completed',
  result: `r${task_index}`,
  error: null,
  ...more,
});
const bare = (index: number, more: object = {}) => ({ status: 'completed', result: `r${index}`, ...more });
const missing = (task_index: number) => ({
  task_index,
  status: 'failed',
  result: null,
  error: 'ModelStudio ended the job without a result for this conversation.',
});
/** As we tell an entry of one who counts from one. */
const fromZero = (index: number) => ({ ...task(index), task_index: index - 1 });
const three = [task(0), task(1), task(2)];

describe('each conversation has exactly one entry', () => {
  it.each<[what: string, results: unknown, expected: object[], missing: number, surplus: number]>([
    ['in order', three, three, 0, 0],
    ['by their index', [task(2), task(0), task(1)], three, 0, 0],
    ['by their index as text', [task('2'), task('1'), task('0')], three, 0, 0],
    [
      'in another spelling of the index',
      [{ taskIndex: 1 }, { taskIndex: 0 }].map((entry) => ({ ...entry, ...bare(7) })),
      [{ taskIndex: 0, task_index: 0, ...bare(7) }, { taskIndex: 1, task_index: 1, ...bare(7) }, missing(2)],
      1,
      0,
    ],
    [
      'by their order',
      [bare(0), bare(1), bare(2)],
      [0, 1, 2].map((i) => ({ task_index: i, ...bare(i) })),
      0,
      0,
    ],
    [
      'in an object by index',
      { 1: bare(1), 0: bare(0), 2: bare(2) },
      [0, 1, 2].map((i) => ({ task_index: i, ...bare(i) })),
      0,
      0,
    ],
    [
      'as values alone',
      ['a', 'b', 7],
      ['a', 'b', 7].map((result, task_index) => ({ task_index, status: 'completed', result, error: null })),
      0,
      0,
    ],
    ['counted from one', [task(1), task(3), task(2)], [1, 2, 3].map(fromZero), 0, 0],
    ['counted from one, with a gap', [task(1), task(3)], [fromZero(1), missing(1), fromZero(3)], 1, 0],
    [
      'counted from one, in an object by index',
      { 1: bare(0), 2: bare(1), 3: bare(2) },
      [0, 1, 2].map((i) => ({ task_index: i, ...bare(i) })),
      0,
      0,
    ],
    [
      'with indexes of null',
      [bare(0), bare(1), bare(2)].map((entry) => ({ task_index: null, ...entry })),
      [0, 1, 2].map((i) => ({ task_index: i, ...bare(i) })),
      0,
      0,
    ],
    ['one is not there', [task(0), task(2)], [task(0), missing(1), task(2)], 1, 0],
    ['none is there', [], [missing(0), missing(1), missing(2)], 3, 0],
    ['none is there, as an object', {}, [missing(0), missing(1), missing(2)], 3, 0],
    ['one is null', [task(0), null, task(2)], [task(0), missing(1), task(2)], 1, 1],
    [
      'one value is null',
      ['a', null, 'c'],
      [
        { task_index: 0, status: 'completed', result: 'a', error: null },
        missing(1),
        { task_index: 2, status: 'completed', result: 'c', error: null },
      ],
      1,
      0,
    ],
    ['one is empty', [task(0), { task_index: 1 }, task(2)], [task(0), missing(1), task(2)], 1, 0],
    [
      'one is still pending',
      [task(0), task(1, { status: 'pending', result: null }), task(2)],
      [task(0), missing(1), task(2)],
      1,
      0,
    ],
    ['one comes twice', [task(0), task(1), task(1, { result: 'again' }), task(2)], three, 0, 1],
    [
      'the second of two has a result',
      [task(0), task(1, { status: 'pending', result: null }), task(1), task(2)],
      three,
      0,
      1,
    ],
    ['one too many', [...three, task(3)], three, 0, 1],
    [
      'one too many, by order',
      [bare(0), bare(1), bare(2), bare(3)],
      [0, 1, 2].map((i) => ({ task_index: i, ...bare(i) })),
      0,
      1,
    ],
    ['one index is negative', [task(0), task(-1), task(2)], [task(0), missing(1), task(2)], 1, 1],
    ['one index is missing', [task(2), bare(9), task(0)], [task(0), missing(1), task(2)], 1, 1],
    [
      'a result of null that is completed',
      [task(0, { result: null }), task(1), task(2)],
      [task(0, { result: null }), task(1), task(2)],
      0,
      0,
    ],
  ])('when the results are found %s', (_what, results, expected, gaps, surplus) => {
    const read = placed(results, 3);
    expect(JSON.parse(read?.json ?? '')).toEqual(expected);
    expect(read).toMatchObject({ missing: gaps, surplus });
  });

  it.each(['"r"', '7', 'true', '{"a":{}}', '{"task_index":0}', `[${'{},'.repeat(100_000)}{}]`])(
    'unless the results cannot be read: %.30s',
    (results) => {
      expect(placed(results, 3)).toBeNull();
    },
  );

  it.each([
    '{"task_index":0,"result":12345678901234567890.10,"status":"completed"}',
    '{ "task_index" : 0 , "result" : {"a":1e400, "a":"\\u00e9\\/"} }',
    '{"task_index":0,"result":"\\ud800"}',
    '{"task_index":0,"result":"é😀","usage":{"tokens":9}}',
  ])('with the very bytes that ModelStudio sent: %s', (entry) => {
    expect(placed(`[ ${entry} ]`, 1)?.json).toBe(`[${entry}]`);
  });
});

describe('a task counts as failed', () => {
  it.each<[what: string, more: object, failedTasks: number]>([
    ['an error', { error: 'no' }, 1],
    ['an error object', { error: { code: 1 } }, 1],
    ['an error in a list', { error: ['no'] }, 1],
    ['true', { error: true }, 1],
    ['a failed state', { status: 'FAILED' }, 1],
    ['an error state', { status: 'error' }, 1],
    ['failure', { status: 'failure' }, 1],
    ['canceled', { status: 'CANCELED' }, 1],
    ['TaskStatus.FAILED', { status: 'TaskStatus.FAILED' }, 1],
    ['no error', { error: null }, 0],
    ['an empty error', { error: '' }, 0],
    ['a blank error', { error: '  ' }, 0],
    ['false', { error: false }, 0],
    ['an empty error object', { error: {} }, 0],
    ['an empty list of errors', { error: [] }, 0],
    ['a line break', { error: '\n' }, 0],
    ['zero', { error: 0 }, 0],
    ['the None of Python', { error: 'None' }, 0],
    ['an error of which nothing is known', { error: { code: null, message: '', errors: [{}] } }, 0],
    ['a long error', { error: 'no'.repeat(50_000) }, 1],
    ['a long error of blanks', { error: `${' '.repeat(200_000)}x` }, 1],
    ['an error that says what every object has', { error: { toString: 'no' } }, 1],
    ['another state', { status: 'done' }, 0],
    ['a state that nobody knows', { status: 'dreamt' }, 0],
    ['a state that is no text', { status: 1 }, 0],
    ['a state that starts like one', { status: 'failed_over' }, 0],
    ['a state that ends like one', { status: 'no_error' }, 0],
  ])('when it is marked by %s', (_what, more, failedTasks) => {
    expect(placed([task(0), task(1, more)], 2)).toMatchObject({ failedTasks, missing: 0 });
  });

  it('when its entry is missing', () => {
    expect(placed([task(0)], 2)).toMatchObject({ failedTasks: 1, missing: 1 });
  });
});

describe('whether each conversation has ended is decided', () => {
  it.each<[what: string, results: unknown, isEachEnded: boolean]>([
    ['all completed', [task(0), task(1)], true],
    ['one failed', [task(0), task(1, { status: 'failed' })], true],
    ['one with an error and no state', [task(0), { task_index: 1, error: 'no' }], true],
    ['one missing', [task(0)], false],
    ['one pending', [task(0), task(1, { status: 'pending' })], false],
    ['one in a state that nobody knows', [task(0), task(1, { status: 'dreamt' })], false],
    ['one in no state', [task(0), { task_index: 1, result: 'r' }], false],
    ['values alone', ['a', 'b'], false],
  ])('for results of which there are: %s', (_what, results, isEachEnded) => {
    expect(placed(results, 2)).toMatchObject({ isEachEnded });
  });
});
