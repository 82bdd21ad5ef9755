import { gzipSync } from 'node:zlib';
import { type Case, completed, ended, type Said, task } from './case.ts';

/** Each of these has created a job, which then runs to its end. `id` is what it must be asked for by. */
const rows: [what: string, created: Said, id: string][] = [
  ['text', { body: { job_id: 'job-text' } }, 'job-text'],
  [
    'a UUID',
    { body: { job_id: '7b19cae7-0983-4a6b-a03c-a647db48f00b' } },
    '7b19cae7-0983-4a6b-a03c-a647db48f00b',
  ],
  ['a number', { body: { job_id: 1234567 } }, '1234567'],
  ['zero', { body: { job_id: 0 } }, '0'],
  ['a number of many digits', { body: '{"job_id":12345678901234567890}' }, '12345678901234567890'],
  ['512 characters', { body: { job_id: 'y'.repeat(512) } }, 'y'.repeat(512)],
  ['a slash in it', { body: { job_id: 'a/b' } }, 'a/b'],
  ['a question mark in it', { body: { job_id: 'a?b=c#d' } }, 'a?b=c#d'],
  ['dots in it', { body: { job_id: 'a..b' } }, 'a..b'],
  ['id', { body: { id: 'by-id' } }, 'by-id'],
  ['id, a number', { body: { id: 7654321 } }, '7654321'],
  ['jobId', { body: { jobId: 'by-jobId' } }, 'by-jobId'],
  ['data.job_id', { body: { data: { job_id: 'by-data' } } }, 'by-data'],
  ['data.id', { body: { data: { id: 'by-data-id' } } }, 'by-data-id'],
  ['data.jobId', { body: { data: { jobId: 24681012 } } }, '24681012'],
  ['job_id before id', { body: { id: 'request-1', job_id: 'job-before-id' } }, 'job-before-id'],
  ['job_id null, id there', { body: { job_id: null, id: 'id-there' } }, 'id-there'],
  ['data.job_id beside an id of the call', { body: { id: 'call-1', data: { job_id: 'called' } } }, 'called'],
  ['the JSON of Python', { body: '{"job_id":"python","eta":NaN}' }, 'python'],
  ['201', { status: 201, body: { job_id: 'created-201' } }, 'created-201'],
  ['202', { status: 202, body: { job_id: 'created-202' } }, 'created-202'],
  [
    'another content type',
    { headers: { 'content-type': 'text/plain' }, body: '{"job_id":"plain"}' },
    'plain',
  ],
  ['a byte order mark', { body: '\ufeff{"job_id":"marked"}' }, 'marked'],
  ['gzip', { headers: { 'content-encoding': 'gzip' }, body: gzipSync('{"job_id":"zipped"}') }, 'zipped'],
  ['100 KB of results beside it', { body: { job_id: 'beside', results: ['x'.repeat(100_000)] } }, 'beside'],
  ['1.9 MB of results beside it', { body: { results: ['x'.repeat(1_900_000)], job_id: 'large' } }, 'large'],
];

export const creations: Case[] = rows.map(([what, created, id]) => ({
  what: `a job is created by ${what}`,
  created,
  id,
  polls: [ended([task(0)])],
  comesTo: { ...completed, results: ['"reply 0"'] },
}));
