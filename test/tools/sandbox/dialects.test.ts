import { describe, expect, test } from 'vitest';
import {
  DIALECTS,
  dialectNamed,
  type Report,
  spellCreated,
  spellReport,
  type Task,
} from '../../../tools/local/sandbox/dialects.ts';
import { startSandbox } from '../../../tools/local/sandbox/server.ts';
import { call, create, status } from './client.ts';

const completed: Task = { task_index: 0, status: 'completed', result: 'Paris', error: null };
const failed: Task = { task_index: 1, status: 'failed', result: null, error: 'It broke.' };
const ENDED: Report = {
  job_id: '1234567',
  job_status: 'completed',
  total_tasks: 2,
  completed_tasks: 2,
  results: [completed, failed],
};
const HALFWAY: Report = { ...ENDED, job_status: 'processing', completed_tasks: 1, results: [completed] };

/** What differs from ModelStudio's own page: in the answer to a create, and in the report of a job that has ended. */
const spelled: Record<string, [created: object, report: object]> = {
  modelstudio: [{}, {}],
  ionos: [
    {},
    { job_status: 'FINISHED', results: [{ task_index: 0, status: 'completed', result: 'Paris' }, failed] },
  ],
  succeeded: [
    {},
    {
      job_status: 'SUCCEEDED',
      results: [
        { ...completed, status: 'SUCCEEDED' },
        { ...failed, status: 'FAILED' },
      ],
    },
  ],
  done: [
    { status: ' CREATED ' },
    {
      job_status: ' Done ',
      results: [
        { ...completed, status: ' Done ' },
        { ...failed, status: ' Error ' },
      ],
    },
  ],
  enum: [
    { status: 'JobStatus.CREATED' },
    {
      job_status: 'JobStatus.COMPLETED',
      results: [
        { ...completed, status: 'TaskStatus.COMPLETED' },
        { ...failed, status: 'TaskStatus.FAILED' },
      ],
    },
  ],
  strange: [{ status: 'dough' }, { job_status: 'baked' }],
  status: [{}, { job_status: undefined, status: 'completed' }],
  id: [
    { job_id: undefined, id: '1234567' },
    { job_id: undefined, id: '1234567' },
  ],
  jobId: [
    { job_id: undefined, jobId: '1234567' },
    { job_id: undefined, jobId: '1234567' },
  ],
  data: [
    {
      job_id: undefined,
      status: undefined,
      message: undefined,
      data: { job_id: '1234567', status: 'CREATED', message: 'Made.' },
    },
    {},
  ],
  'number-ids': [{ job_id: 1_234_567 }, { job_id: 1_234_567 }],
  'no-counts': [{}, { total_tasks: undefined, completed_tasks: undefined }],
  'no-index': [
    {},
    {
      results: [
        { ...completed, task_index: undefined },
        { ...failed, task_index: undefined },
      ],
    },
  ],
  'text-index': [
    {},
    {
      results: [
        { ...completed, task_index: '0' },
        { ...failed, task_index: '1' },
      ],
    },
  ],
  reversed: [{}, { results: [failed, completed] }],
  keyed: [{}, { results: { 0: completed, 1: failed } }],
  strings: [{}, { results: ['Paris', null] }],
  'empty-errors': [{}, { results: [{ ...completed, error: {} }, failed] }],
  pending: [{}, {}],
  fastapi: [{}, {}],
  problem: [{}, {}],
  errors: [{}, {}],
};

test('every dialect has a row in this table', () => {
  expect(Object.keys(spelled)).toEqual(Object.keys(DIALECTS));
});

test.each(Object.entries(spelled))('the dialect answers as it should: %s', (name, [created, report]) => {
  const dialect = dialectNamed(name);
  const answer = { job_id: '1234567', status: 'CREATED', message: 'Made.' };
  expect(spellCreated(answer, dialect)).toEqual({ ...answer, ...created });
  expect(spellReport(ENDED, dialect)).toEqual({ ...ENDED, ...report });
});

test('a pending job of the dialect shows a result for every conversation', () => {
  const rest = { task_index: 1, status: 'pending', result: null, error: null };
  expect(spellReport(HALFWAY, dialectNamed('pending'))).toEqual({ ...HALFWAY, results: [completed, rest] });
});

test.each(['piratical', '', '__proto__', 'toString'])('there is no dialect "%s"', (name) => {
  expect(() => dialectNamed(name)).toThrow('There is no such dialect. There are: modelstudio, ionos, ');
});

describe('a sandbox', () => {
  test('speaks the dialect that it was started with, and its models may have their own', async () => {
    let now = 0;
    const sandbox = await startSandbox({ dialect: 'number-ids', clock: () => now });
    const numbered = (await create(sandbox, 'sandbox-instant')).body['job_id'];
    expect(numbered).toBe(1_234_567);
    const canceled = (await create(sandbox, 'sandbox-canceled')).body['job_id'];
    expect(canceled).toMatch(/^job_/);
    now = 1000;
    expect((await status(sandbox, numbered)).body).toMatchObject({
      job_id: numbered,
      job_status: 'completed',
    });
    expect((await status(sandbox, canceled)).body).toMatchObject({
      job_id: canceled,
      job_status: 'CANCELED',
    });
    await sandbox.close();
  });

  test.each<[dialect: string, body: object, unavailable: object]>([
    ['modelstudio', { error: 'Job not found.' }, { error: expect.stringContaining('unavailable') }],
    ['fastapi', { detail: 'Job not found.' }, { detail: expect.stringContaining('unavailable') }],
    [
      'problem',
      { type: 'about:blank', title: 'Refused', status: 404, detail: 'Job not found.' },
      expect.objectContaining({ status: 503, detail: expect.stringContaining('unavailable') }),
    ],
    [
      'errors',
      { errors: [{ message: 'Job not found.' }] },
      { errors: [{ message: expect.stringContaining('unavailable') }] },
    ],
  ])('refuses a request in the dialect %s', async (dialect, body, unavailable) => {
    const sandbox = await startSandbox({ dialect });
    expect(await status(sandbox, 'job_x')).toMatchObject({ status: 404, body });
    sandbox.faults.every = 'unavailable';
    expect(await status(sandbox, 'job_x')).toMatchObject({ status: 503, body: unavailable });
    await sandbox.close();
  });

  test('answers an invalid request with a list in the dialect of FastAPI', async () => {
    const sandbox = await startSandbox({ dialect: 'fastapi' });
    const detail = [{ type: 'value_error', loc: ['body'], msg: 'model_id must be a string.' }];
    expect(await call(sandbox, { body: {} })).toMatchObject({ status: 400, body: { detail } });
    await sandbox.close();
  });
});
