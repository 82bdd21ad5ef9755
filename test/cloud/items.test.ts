import * as sdk from '@aws-sdk/util-dynamodb';
import { expect, it } from 'vitest';
import * as quick from './items.ts';
import { attempt, finishedJob, pendingWebhook, runningJob, submittingJob } from './jobs.ts';

const ROWS = {
  'a job that is being submitted': submittingJob({ metadata: { order: '17', '': '' } }),
  'a running job': runningJob(),
  'a finished job with attempts': finishedJob({ webhook: pendingWebhook({ log: [attempt(), attempt()] }) }),
  'numbers of any kind': { none: 0, less: -1.5, much: Number.MAX_SAFE_INTEGER, little: 1e-9, huge: 1e15 },
  'a map, as rows have for what apps name': { metadata: new Map([['constructor', 'x']]) },
  bytes: { deflated: new Uint8Array([0, 255]) },
  'nothing in a list or a map': { list: [], map: {}, text: '', no: false, nothing: null },
};

it.each(Object.entries(ROWS))('makes an item as the SDK makes it, and reads it back: %s', (_name, row) => {
  expect(quick.marshall(row)).toEqual(sdk.marshall(row));
  expect(quick.unmarshall(quick.marshall(row))).toEqual(sdk.unmarshall(sdk.marshall(row)));
});

it.each([undefined, 1n, () => 1])('refuses what no row may hold: %s', (value) => {
  expect(() => quick.marshall({ value })).toThrow('A row cannot hold');
});
