import { marshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, it } from 'vitest';
import { jobIdOf, uploadIdOf, uploadIdOfFile } from '../../functions/core/ids.ts';
import { UPLOAD_MAX_BYTES } from '../../functions/core/limits.ts';
import {
  asked,
  CLIENT_MAX_BYTES,
  type ClientUploads,
  claimed,
  cleared,
  clientOfRow,
  dropped,
  JOBS_MAX,
  leftoversDue,
  looked,
  objectKeyOf,
  UNUSED_MAX,
  UPLOADS_MAX,
  type Upload,
  uploadIn,
  uploadsOverdueAt,
  uploadsRowOf,
  uploadsToLookAt,
} from '../../functions/core/uploads.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = Date.UTC(2026, 0, 1);

const NONE: ClientUploads = { client: 'acme', version: 0, uploads: {}, leftovers: {} };
const ASK = { uploadId: 'upload_1', bytes: 100, format: 'jsonl' } as const;

function unused(fields: Partial<Upload> = {}): Upload {
  const times = { since: 1, touchedAt: NOW, until: NOW + DAY, lookAt: NOW + DAY };
  return { ...ASK, ...times, jobs: [], ...fields };
}

const used = (fields: Partial<Upload> = {}) =>
  unused({ jobs: ['job_1'], until: NOW + 2 * DAY, lookAt: NOW + HOUR, ...fields });

function rowOf(...uploads: Upload[]): ClientUploads {
  const entries = uploads.map((upload) => [upload.uploadId, upload]);
  return { ...NONE, version: 7, uploads: Object.fromEntries(entries) };
}

const many = (count: number, make: typeof unused, fields: Partial<Upload> = {}) =>
  Array.from({ length: count }, (_, i) => make({ uploadId: `upload_${i + 10}`, ...fields }));

function rowAfter(after: ReturnType<typeof asked>): ClientUploads {
  if ('fullUntil' in after) throw new Error('There is no room');
  return after;
}

describe('an upload that is asked for', () => {
  it('is unused, and kept for a day', () => {
    expect(asked(NONE, ASK, NOW)).toEqual({ ...rowOf(unused()), version: 1 });
  });

  it('is the one that there is, which is kept for a day more', () => {
    const later = NOW + HOUR;
    const kept = { touchedAt: later, until: later + DAY };
    expect(asked(rowOf(unused()), ASK, later)).toEqual({
      ...rowOf(unused({ ...kept, lookAt: later + DAY })),
      version: 8,
    });
    expect(asked(rowOf(used()), ASK, later)).toEqual({ ...rowOf(used({ touchedAt: later })), version: 8 });
  });

  it('is another one if the time of the one that there was is up, whose file is then left to be deleted', () => {
    const later = NOW + DAY;
    const after = rowAfter(asked(rowOf(unused()), ASK, later));
    expect(after.uploads['upload_1']).toMatchObject({ since: 8, jobs: [] });
    expect(after.leftovers).toEqual({ [objectKeyOf(unused())]: later });
    expect(objectKeyOf(after.uploads['upload_1'] as Upload)).not.toBe(objectKeyOf(unused()));
  });

  it.each<[what: string, row: ClientUploads, fullUntil: number | null]>([
    ['one less unused than allowed', rowOf(...many(UNUSED_MAX - 1, unused)), null],
    [
      'as many unused as allowed',
      rowOf(...many(UNUSED_MAX, unused), unused({ uploadId: 'upload_2', until: NOW + HOUR })),
      NOW + HOUR,
    ],
    ['as many, but one whose time is up', rowOf(...many(UNUSED_MAX, unused, { until: NOW })), null],
    ['any number of used ones', rowOf(...many(UPLOADS_MAX - 1, used)), null],
    ['as many as the row has room for', rowOf(...many(UPLOADS_MAX, used)), NOW + 2 * DAY],
    [
      'as many, of which one is to be deleted',
      { ...rowOf(...many(UPLOADS_MAX - 1, used)), leftovers: { 'uploads/a/1': NOW + 1 } },
      NOW + 1,
    ],
    ['just as many bytes as allowed', rowOf(used({ uploadId: 'x', bytes: CLIENT_MAX_BYTES - 100 })), null],
    [
      'a byte more',
      rowOf(used({ uploadId: 'x', bytes: CLIENT_MAX_BYTES - 99 }), unused({ uploadId: 'y' })),
      NOW + DAY,
    ],
  ])('has room beside %s, or there is a time until which it has none', (_what, row, fullUntil) => {
    const after = asked(row, ASK, NOW);
    expect('fullUntil' in after ? after.fullUntil : null).toBe(fullUntil);
  });

  it('has room if it is there already, however many there are', () => {
    const row = rowOf(unused(), ...many(UNUSED_MAX - 1, unused));
    expect(rowAfter(asked(row, ASK, NOW)).version).toBe(8);
  });
});

describe('an upload that is looked for', () => {
  it.each<[what: string, upload: Upload, at: number, isFound: boolean]>([
    ['unused', unused(), NOW + DAY - 1, true],
    ['unused, when its time is up', unused(), NOW + DAY, false],
    ['used, whatever its time is', used(), NOW + 9 * DAY, true],
  ])('is found or not: %s', (_what, upload, at, isFound) => {
    expect(uploadIn(rowOf(upload), 'upload_1', at)).toEqual(isFound ? upload : null);
  });

  it.each(['upload_2', 'constructor', '__proto__', ''])('is not found under another name: "%s"', (id) => {
    expect(uploadIn(rowOf(used()), id, NOW)).toBeNull();
  });
});

describe('an upload that a job names', () => {
  const claim = (upload: Upload, jobId: string, expiresAt: number, at = NOW) =>
    claimed(rowOf(upload), upload, { jobId, expiresAt }, at).uploads['upload_1'];

  it('is kept until a day after the job expires, and looked at within an hour', () => {
    const expected = used({ touchedAt: NOW + 5, until: NOW + 3 * DAY, lookAt: NOW + 5 + HOUR });
    expect(claim(unused(), 'job_1', NOW + 2 * DAY, NOW + 5)).toEqual(expected);
    expect(claim(used(), 'job_2', NOW)).toEqual(used({ jobs: ['job_1', 'job_2'] }));
  });

  it('has the job once, however often it is named by it', () => {
    expect(claim(used({ jobs: ['job_1', 'job_2'] }), 'job_1', NOW)?.jobs).toEqual(['job_2', 'job_1']);
  });

  it('remembers the latest jobs', () => {
    const jobs = Array.from({ length: JOBS_MAX }, (_, i) => `job_${i}`);
    expect(claim(used({ jobs }), 'job_new', NOW)?.jobs).toEqual([...jobs.slice(1), 'job_new']);
  });
});

describe('the sweeper looks', () => {
  const full = Array.from({ length: JOBS_MAX }, (_, i) => `job_${i}`);

  it('at those whose time to be looked at has come', () => {
    const row = rowOf(used({ lookAt: NOW }), used({ uploadId: 'upload_2', lookAt: NOW + 1 }));
    expect(uploadsToLookAt(row, NOW).map(({ uploadId }) => uploadId)).toEqual(['upload_1']);
  });

  it.each<[what: string, upload: Upload, endedAt: number | null, at: number, lookAt: number | 'left']>([
    ['a day after it was asked for, if it is unused', unused(), 0, NOW + DAY, 'left'],
    ['an hour later if a job has not ended', used(), null, NOW + 9 * DAY, NOW + 9 * DAY + HOUR],
    ['a day after the last job has ended', used(), NOW + HOUR, NOW + 2 * HOUR, NOW + HOUR + DAY],
    ['and it is', used(), NOW + HOUR, NOW + HOUR + DAY, 'left'],
    ['a millisecond before', used(), NOW + HOUR, NOW + HOUR + DAY - 1, NOW + HOUR + DAY],
    ['a day after it was named, if its jobs are gone', used(), 0, NOW + HOUR, NOW + DAY],
    [
      'later if a job before the latest may still need it',
      used({ jobs: full }),
      NOW,
      NOW + DAY,
      NOW + 2 * DAY,
    ],
    ['and no longer than that', used({ jobs: full }), NOW, NOW + 2 * DAY, 'left'],
  ])('and deletes, or looks again: %s', (_what, upload, endedAt, at, lookAt) => {
    const after = looked(rowOf(upload), [{ upload, endedAt }], at);
    expect(after.version).toBe(8);
    expect(after.uploads['upload_1']?.lookAt ?? 'left').toBe(lookAt);
    expect(after.leftovers).toEqual(lookAt === 'left' ? { [objectKeyOf(upload)]: at } : {});
  });

  it('and writes nothing if there was nothing to look at', () => {
    const row = rowOf(used());
    expect(looked(row, [], NOW)).toBe(row);
  });

  it('when the first of all has to be looked at or deleted', () => {
    const row = rowOf(used({ lookAt: NOW + 5 }), used({ uploadId: 'upload_2', lookAt: NOW + 4 }));
    expect(uploadsOverdueAt(row)).toBe(NOW + 4);
    expect(uploadsOverdueAt({ ...row, leftovers: { a: NOW + 3, b: NOW + 6 } })).toBe(NOW + 3);
    expect(uploadsOverdueAt(NONE)).toBeNull();
  });
});

describe('an upload that is deleted', () => {
  it.each([
    ['an hour after its link was made, as the link may still be used', NOW + 5, NOW + HOUR],
    ['at once when that is over', NOW + HOUR + 1, NOW + HOUR + 1],
  ])('is found by nobody, and its file is deleted once more: %s', (_what, at, again) => {
    const after = dropped(rowOf(unused(), used({ uploadId: 'upload_2' })), unused(), at);
    expect(Object.keys(after.uploads)).toEqual(['upload_2']);
    expect(after.leftovers).toEqual({ [objectKeyOf(unused())]: again });
    expect(after.version).toBe(8);
    expect([leftoversDue(after, again - 1), leftoversDue(after, again)]).toEqual([
      [],
      [objectKeyOf(unused())],
    ]);
    expect(cleared(after, leftoversDue(after, again))).toEqual({
      ...rowOf(used({ uploadId: 'upload_2' })),
      version: 9,
    });
  });
});

describe('the row', () => {
  it('is told apart from those of jobs', () => {
    expect(clientOfRow(uploadsRowOf('a/b'))).toBe('a/b');
    expect([clientOfRow('job_1'), clientOfRow('queue')]).toEqual([null, null]);
  });

  it('is within the 400 KB of an item, whatever is in it', () => {
    const random = (i: number) => Buffer.alloc(16, i);
    const jobs = Array.from({ length: JOBS_MAX }, (_, i) => jobIdOf(random(i)));
    const largest = Array.from({ length: UPLOADS_MAX }, (_, i) => {
      const uploadId = uploadIdOfFile('acme', String(i), 1, 'jsonl');
      return used({ uploadId, bytes: UPLOAD_MAX_BYTES, jobs });
    });
    expect(sizeOf(marshall(rowOf(...largest)))).toBeLessThan(395_000);
  });
});

/** Of an item, as DynamoDB counts: a number has half a byte a digit and one more, what is nested has 3, and 1 each. */
function sizeOf(item: object): number {
  return Object.entries(item).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + sizeOfValue(value),
    0,
  );
}

function sizeOfValue(value: { S?: string; N?: string; L?: object[]; M?: object }): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  if (value.N !== undefined) return Math.ceil(value.N.length / 2) + 1;
  if (value.L) return 3 + value.L.reduce((sum, each) => sum + 1 + sizeOfValue(each), 0);
  return 3 + Object.keys(value.M ?? {}).length + sizeOf(value.M ?? {});
}

describe('the id of an upload', () => {
  it('is that of the file, its length, its format and its client', () => {
    const ids = [
      uploadIdOfFile('acme', 'aa', 1, 'json'),
      uploadIdOfFile('acme', 'aa', 1, 'json'),
      uploadIdOfFile('other', 'aa', 1, 'json'),
      uploadIdOfFile('acme', 'ab', 1, 'json'),
      uploadIdOfFile('acme', 'aa', 2, 'json'),
      uploadIdOfFile('acme', 'aa', 1, 'jsonl'),
    ];
    expect(new Set(ids).size).toBe(5);
    for (const id of [...ids, uploadIdOf(Buffer.alloc(16))]) expect(id).toMatch(/^upload_[0-9a-z]{26}$/);
  });
});
