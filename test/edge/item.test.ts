import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { expect, it } from 'vitest';
import { itemOf, rowOf } from '../../functions/edge/item.ts';
import { attempt, finishedJob, pendingWebhook, runningJob, submittingJob } from '../cloud/jobs.ts';

const ROWS = {
  'a job that is being submitted': submittingJob({ metadata: { order: '17', '': '' } }),
  'a running job': runningJob(),
  'a finished job with attempts': finishedJob({ webhook: pendingWebhook({ log: [attempt(), attempt()] }) }),
  'numbers of any kind': { none: 0, less: -1.5, much: Number.MAX_SAFE_INTEGER, little: 1e-9, huge: 1e15 },
  'nothing in a list or a map': { list: [], map: {}, text: '', no: false, nothing: null },
};

it.each(Object.entries(ROWS))('makes an item as the SDK makes it, and reads it back: %s', (_name, row) => {
  expect(itemOf(row)).toEqual(marshall(row));
  expect(rowOf(itemOf(row))).toEqual(unmarshall(marshall(row)));
});

it.each([undefined, 1n, () => 1])('refuses what no row may hold: %s', (value) => {
  expect(() => itemOf({ value })).toThrow('A row cannot hold');
});
