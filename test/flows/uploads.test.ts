import { PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it, vi } from 'vitest';
import { UPLOAD_MAX_BYTES } from '../../functions/core/limits.ts';
import { CLIENT_MAX_BYTES, objectKeyOf, UNUSED_MAX } from '../../functions/core/uploads.ts';
import { answer } from '../../functions/jobs/jobs.ts';
import { claimUpload } from '../../functions/submit/begin-large.ts';
import { sweep } from '../../functions/sweep/sweep.ts';
import { finishedJob, NOW, runningJob } from '../cloud/jobs.ts';
import { fakeWorld } from '../cloud/world.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const sha256 = 'ab'.repeat(32);

type World = ReturnType<typeof newWorld>;

const newWorld = () => ({ ...fakeWorld(), openApi: async () => ({ default: {} }) });

async function ask(world: World, operation: string, jobId: string, body: unknown, client = 'acme') {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const request = {
    ...{ method: 'POST', path: '/v1/uploads', query: '', requestId: 'r1' },
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(text),
  };
  const answered = await answer(request, { operation, jobId, client } as never, world);
  return { ...answered, json: answered.body === '' ? null : JSON.parse(answered.body) };
}

const begin = (world: World, body: object = {}, client = 'acme') =>
  ask(world, 'upload', '', { bytes: 7, format: 'jsonl', ...body }, client);
const remove = (world: World, id: string, client = 'acme') => ask(world, 'deleteUpload', id, '', client);

/** What a client does with the URL. */
function send({ cloud }: World, { url }: { url: string }, text = 'content'): void {
  const Key = new URL(url).pathname.slice(1);
  cloud.apply(new PutObjectCommand({ Bucket: 'documents', Key, Body: Buffer.from(text), IfNoneMatch: '*' }));
}

const claim = (world: World, uploadId: string, fields = {}) =>
  claimUpload(uploadId, { jobId: 'job_1', client: 'acme', expiresAt: NOW + DAY, ...fields }, world);

const files = ({ cloud }: World) => [...cloud.objects.keys()];

/** What is found by a sweep after so much time. */
async function sweepAt(world: World, millis: number): Promise<string[]> {
  world.clock.time = NOW + millis;
  await sweep(world);
  return files(world);
}

describe('POST /v1/uploads', () => {
  it('says where to put the file, and until when', async () => {
    const world = newWorld();
    const { status, headers, json } = await begin(world);
    expect([status, headers['cache-control']]).toEqual([201, 'no-store']);
    expect(json).toEqual({
      ...{ upload_id: expect.stringMatching(/^upload_[0-9a-z]{26}$/), method: 'PUT' },
      url: `https://documents.example.com/uploads/${json.upload_id}/1`,
      headers: { 'content-length': '7', 'if-none-match': '*' },
      expires_at: new Date(NOW + 900_000).toISOString(),
    });
    expect(world.told).toEqual([
      { stage: 'upload', outcome: 'begun', upload_id: json.upload_id, client: 'acme' },
    ]);
  });

  it.each<[what: string, body: unknown, pointers: string[]]>([
    ['nothing', {}, ['/bytes', '/format']],
    ['no bytes', { bytes: 0, format: 'json' }, ['/bytes']],
    ['too many', { bytes: UPLOAD_MAX_BYTES + 1, format: 'json' }, ['/bytes']],
    ['half a byte', { bytes: 1.5, format: 'json' }, ['/bytes']],
    ['text for bytes', { bytes: '1', format: 'json' }, ['/bytes']],
    ['another format', { bytes: 1, format: 'csv' }, ['/format']],
    ['half a hash', { bytes: 1, format: 'json', sha256: 'ab' }, ['/sha256']],
    ['a hash in base64', { bytes: 1, format: 'json', sha256: `${'A'.repeat(43)}=` }, ['/sha256']],
    ['what is unknown', { bytes: 1, format: 'json', name: 'data.json' }, ['/name']],
    ['a list', [], ['']],
    ['no JSON', '{', ['']],
  ])('refuses %s', async (_what, body, pointers) => {
    const { status, json } = await ask(newWorld(), 'upload', '', body);
    expect([status, json.code]).toEqual([400, 'invalid_request']);
    expect(json.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(pointers);
  });

  it('takes 200 MiB', async () => {
    expect((await begin(newWorld(), { bytes: 200 * 1024 * 1024 })).status).toBe(201);
  });

  it('gives the same upload for the same file, with a URL until the file is there', async () => {
    const world = newWorld();
    const { json: first } = await begin(world, { sha256 });
    const { json: again } = await begin(world, { sha256: sha256.toUpperCase() });
    expect(again).toEqual(first);
    send(world, first);
    const { status, json: sent } = await begin(world, { sha256 });
    expect([status, sent]).toEqual([
      201,
      { upload_id: first.upload_id, method: 'PUT', url: null, headers: null, expires_at: null },
    ]);
    expect(world.told.at(-1)).toMatchObject({ outcome: 'known' });
  });

  it.each([
    ['length', { bytes: 8 }, 'acme'],
    ['format', { format: 'json' }, 'acme'],
    ['client', {}, 'other'],
    ['hash', { sha256: 'cd'.repeat(32) }, 'acme'],
  ])('gives another one for another %s', async (_what, body, client) => {
    const world = newWorld();
    const { json: first } = await begin(world, { sha256 });
    const { json } = await begin(world, { sha256, ...body }, client);
    expect(json.upload_id).not.toBe(first.upload_id);
  });

  it('gives another one each time without a hash', async () => {
    const world = newWorld();
    const ids = await Promise.all(Array.from({ length: 5 }, () => begin(world)));
    expect(new Set(ids.map(({ json }) => json.upload_id)).size).toBe(5);
  });

  it('refuses one more than may be unused, until the first of them expires', async () => {
    const world = newWorld();
    const { json: first } = await begin(world);
    for (let i = 1; i < UNUSED_MAX; i++) expect((await begin(world)).status).toBe(201);
    const { status, json, headers } = await begin(world);
    expect([status, json.code, headers['retry-after']]).toEqual([429, 'too_many_uploads', '3600']);
    world.clock.time += DAY - 10_000;
    expect((await begin(world)).headers['retry-after']).toMatch(/^([1-9]|10)$/);
    expect((await begin(world, {}, 'other')).status).toBe(201);
    await remove(world, first.upload_id);
    expect((await begin(world)).status).toBe(201);
  });

  it('refuses more than 5 GiB in all', async () => {
    const world = newWorld();
    const count = Math.floor(CLIENT_MAX_BYTES / UPLOAD_MAX_BYTES);
    for (let i = 0; i < count; i++) {
      const { json } = await begin(world, { bytes: UPLOAD_MAX_BYTES });
      send(world, json);
      await claim(world, json.upload_id, { jobId: `job_${i}` });
    }
    expect((await begin(world, { bytes: UPLOAD_MAX_BYTES })).json.code).toBe('too_many_uploads');
    expect((await begin(world, { bytes: 1 })).status).toBe(201);
  });
});

describe('a job that names an upload', () => {
  it('gets it once the file is there', async () => {
    const world = newWorld();
    const { json } = await begin(world);
    expect(await claim(world, json.upload_id)).toBe('upload_incomplete');
    send(world, json);
    const upload = await claim(world, json.upload_id);
    if (typeof upload === 'string') throw new Error(upload);
    expect(upload).toMatchObject({ uploadId: json.upload_id, bytes: 7, format: 'jsonl' });
  });

  it('finds none of another client, none that expired, and none that there never was', async () => {
    const world = newWorld();
    const { json } = await begin(world);
    send(world, json);
    expect(await claim(world, json.upload_id, { client: 'other' })).toBe('upload_not_found');
    expect(await claim(world, 'upload_none')).toBe('upload_not_found');
    world.clock.time += DAY;
    expect(await claim(world, json.upload_id)).toBe('upload_not_found');
  });

  it('is remembered, however many name it at the same moment', async () => {
    const world = newWorld();
    const { json } = await begin(world);
    send(world, json);
    const jobIds = Array.from({ length: 9 }, (_, i) => `job_${i}`);
    await Promise.all(jobIds.map((jobId) => claim(world, json.upload_id, { jobId })));
    const { uploads } = await world.uploads.find('acme');
    expect(uploads[json.upload_id]?.jobs.toSorted()).toEqual(jobIds);
  });
});

describe('DELETE /v1/uploads/{upload_id}', () => {
  it('deletes the file, and once more what is sent by the link afterwards', async () => {
    const world = newWorld();
    const { json } = await begin(world);
    send(world, json);
    expect(await remove(world, json.upload_id)).toMatchObject({ status: 204, body: '' });
    expect(files(world)).toEqual([]);
    expect((await remove(world, json.upload_id)).json.code).toBe('upload_not_found');
    send(world, json);
    expect(await sweepAt(world, HOUR - 1)).toHaveLength(1);
    expect(await sweepAt(world, HOUR)).toEqual([]);
  });

  it("knows nothing of what is not there, is not the client's, or has expired", async () => {
    const world = newWorld();
    const { json } = await begin(world);
    const unknown = await remove(world, 'upload_none');
    expect(unknown.json).toMatchObject({ status: 404, code: 'upload_not_found' });
    expect(await remove(world, json.upload_id, 'other')).toEqual(unknown);
    world.clock.time += DAY;
    expect(await remove(world, json.upload_id)).toEqual(unknown);
  });

  it('refuses while a job that names it has not finished', async () => {
    const world = newWorld();
    const { json } = await begin(world);
    send(world, json);
    await claim(world, json.upload_id);
    world.jobs.rows.set('job_1', runningJob({ jobId: 'job_1' }));
    const refused = await remove(world, json.upload_id);
    expect([refused.status, refused.json.code]).toEqual([409, 'not_deletable']);
    expect(refused.json.detail).toContain('job_1');
    expect(refused.headers['retry-after']).toMatch(/^\d+$/);
    world.jobs.rows.set('job_1', finishedJob({ jobId: 'job_1' }));
    expect((await remove(world, json.upload_id)).status).toBe(204);
  });

  it('refuses while one of many jobs may not have finished, though it is not known which', async () => {
    const world = newWorld();
    const { json } = await begin(world);
    send(world, json);
    for (let i = 0; i <= 16; i++) {
      const jobId = `job_${i}`;
      await claim(world, json.upload_id, { jobId, expiresAt: NOW + (i === 0 ? DAY : 60_000) });
      world.jobs.rows.set(jobId, i === 0 ? runningJob({ jobId }) : finishedJob({ jobId }));
    }
    const refused = await remove(world, json.upload_id);
    expect([refused.status, refused.json.code]).toEqual([409, 'not_deletable']);
    expect(files(world)).toHaveLength(1);
    world.clock.time += DAY;
    expect((await remove(world, json.upload_id)).status).toBe(204);
  });
});

it('an upload that a job names just then is not deleted', async () => {
  const world = newWorld();
  const { json } = await begin(world);
  send(world, json);
  const { replace } = world.uploads;
  vi.spyOn(world.uploads, 'replace').mockImplementationOnce(async (after) => {
    await claim(world, json.upload_id);
    world.jobs.rows.set('job_1', runningJob({ jobId: 'job_1' }));
    return replace(after);
  });
  expect((await remove(world, json.upload_id)).json.code).toBe('not_deletable');
  expect(files(world)).toHaveLength(1);
});

describe('the sweeper', () => {
  it('deletes an upload that nobody used, a day after it was asked for', async () => {
    const world = newWorld();
    const { json } = await begin(world);
    await begin(world);
    send(world, json);
    expect(await sweepAt(world, DAY - 1)).toHaveLength(1);
    expect(await sweepAt(world, DAY)).toEqual([]);
    expect(await world.uploads.find('acme')).toMatchObject({ uploads: {}, leftovers: {} });
    expect(world.cloud.tables.jobs.peek('uploads/acme')).toMatchObject({
      ttl: { N: String(NOW / 1000 + 2 * 86_400) },
    });
  });

  it('keeps one until a day after the last of its jobs has ended', async () => {
    const world = newWorld();
    const { json } = await begin(world);
    send(world, json);
    for (const jobId of ['job_1', 'job_2', 'job_gone']) await claim(world, json.upload_id, { jobId });
    world.jobs.rows.set('job_1', finishedJob({ jobId: 'job_1', finishedAt: NOW + HOUR }));
    const later = { expiresAt: NOW + 90 * DAY, wakeUpDeadline: NOW + 90 * DAY };
    world.jobs.rows.set('job_2', runningJob({ jobId: 'job_2', ...later }));
    expect(await sweepAt(world, 10 * DAY)).toHaveLength(1);
    world.jobs.rows.set('job_2', finishedJob({ jobId: 'job_2', finishedAt: NOW + 10 * DAY + 1 }));
    expect(await sweepAt(world, 10 * DAY + HOUR)).toHaveLength(1);
    expect(await sweepAt(world, 11 * DAY)).toHaveLength(1);
    expect(await sweepAt(world, 11 * DAY + 1)).toEqual([]);
  });

  it('repeats what a crash has left undone, and touches nothing that was sent anew', async () => {
    const world = newWorld();
    const { json } = await begin(world, { sha256 });
    send(world, json);
    world.clock.time = NOW + DAY;
    const broken = vi.spyOn(world.uploads, 'remove').mockRejectedValueOnce(new Error('S3 is out of reach'));
    await expect(sweep(world)).rejects.toThrow('1 overdue jobs or shards failed');
    broken.mockRestore();
    const { json: anew } = await begin(world, { sha256 });
    expect([anew.upload_id, anew.url]).toEqual([json.upload_id, expect.any(String)]);
    send(world, anew);
    expect(await sweepAt(world, DAY + 60_000)).toEqual([new URL(anew.url).pathname.slice(1)]);
    expect(await claim(world, json.upload_id)).toMatchObject({ uploadId: json.upload_id });
  });

  it('deletes nothing that a job has named in the meantime', async () => {
    const world = newWorld();
    const { json } = await begin(world);
    send(world, json);
    world.clock.time = NOW + DAY - 1;
    const upload = await claim(world, json.upload_id);
    if (typeof upload === 'string') throw new Error(upload);
    expect(await sweepAt(world, DAY)).toEqual([objectKeyOf(upload)]);
  });
});
