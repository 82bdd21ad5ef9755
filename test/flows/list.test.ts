import { describe, expect, it } from 'vitest';
import type { Job } from '../../functions/core/job.ts';
import { list } from '../../functions/jobs/list.ts';
import { finishedJob, NOW, runningJob } from '../cloud/jobs.ts';
import { fakeWorld } from '../cloud/world.ts';

const authorized = { operation: 'list', jobId: '', client: 'acme' } as const;

const request = { method: 'GET', path: '/v1/jobs', headers: {}, body: Buffer.alloc(0), requestId: 'r1' };

/** Newest last; three of them in each millisecond. */
function manyJobs(count: number, job: (index: number) => Job): Job[] {
  return Array.from({ length: count }, (_, index) => ({
    ...job(index),
    jobId: `job_${String(index).padStart(4, '0')}`,
    createdAt: NOW + Math.floor(index / 3),
  }));
}

async function ask(jobs: Job[], query: string) {
  const world = fakeWorld();
  for (const job of jobs) world.jobs.rows.set(job.jobId, job);
  const { status, body } = await list({ ...request, query }, authorized, world);
  return { status, json: JSON.parse(body) };
}

async function askForAll(jobs: Job[], query: string): Promise<string[][]> {
  const pages: string[][] = [];
  let cursor = '';
  do {
    const { json } = await ask(jobs, query + cursor);
    pages.push(json.jobs.map((job: { job_id: string }) => job.job_id));
    cursor = json.next_cursor && `&cursor=${json.next_cursor}`;
  } while (cursor);
  return pages;
}

describe('list', () => {
  it('shows jobs without their results, and the URL of these', async () => {
    const { json } = await ask([finishedJob()], '');
    expect(json).toMatchObject({
      jobs: [
        { job_id: 'job_1', results: null, results_url: 'https://api.example.com/v1/jobs/job_1/results' },
      ],
      next_cursor: null,
    });
  });

  it.each([
    [0, 'limit=2', [0]],
    [5, 'limit=2', [2, 2, 1]],
    [4, 'limit=2', [2, 2]],
    [250, 'limit=100', [100, 100, 50]],
    [25, '', [20, 5]],
  ])('shows %i jobs with the query "%s" in pages of %j, the newest first', async (count, query, sizes) => {
    const pages = await askForAll(
      manyJobs(count, () => runningJob()),
      query,
    );
    expect(pages.map((page) => page.length)).toEqual(sizes);
    const all = pages.flat();
    expect(all).toEqual(all.toSorted().reverse());
    expect(new Set(all).size).toBe(count);
  });

  it('reads two pages per request at most, and may then have found nothing yet', async () => {
    const jobs = manyJobs(450, (index) => (index === 0 ? finishedJob() : runningJob()));
    const pages = await askForAll(jobs, 'status=completed');
    expect(pages).toEqual([[], [], ['job_0000']]);
  });

  it('finds the few jobs of a status among many, in several requests if need be', async () => {
    const jobs = manyJobs(2500, (index) => (index % 1000 === 7 ? finishedJob() : runningJob()));
    const pages = await askForAll(jobs, 'status=completed');
    expect(pages.flat()).toEqual(['job_2007', 'job_1007', 'job_0007']);
    expect(pages.length).toBeGreaterThan(1);
  });

  it('puts no more jobs of a status on a page than were asked for', async () => {
    const jobs = manyJobs(14, (index) => (index % 2 ? finishedJob() : runningJob()));
    const pages = await askForAll(jobs, 'status=completed&limit=3');
    expect(pages).toEqual([
      ['job_0013', 'job_0011', 'job_0009'],
      ['job_0007', 'job_0005', 'job_0003'],
      ['job_0001'],
    ]);
  });

  it.each<[what: string, query: string, found: number[], sizes: number[]]>([
    ['just the jobs that were asked for', 'limit=7', [7], [7]],
    ['just the jobs that the page before could not give', 'limit=7', [4, 3], [7, 3]],
    ['whole pages to find the jobs of a status', 'status=running&limit=7', [2, 3], [100, 100]],
    ['no page after the last', 'status=running&limit=7', [2], [100]],
  ])('reads %s', async (_what, query, found, sizes) => {
    const world = fakeWorld();
    const asked: number[] = [];
    world.clientJobs.page = async (_client, from, _to, limit) => {
      const count = found[asked.push(limit) - 1] ?? 0;
      const jobs = manyJobs(count, () => runningJob());
      return { jobs, end: asked.length < found.length ? from : null };
    };
    await list({ ...request, query }, authorized, world);
    expect(asked).toEqual(sizes);
  });

  it("shows no other client's job", async () => {
    const jobs = manyJobs(10, (index) => runningJob({ client: index % 2 ? 'acme' : 'other' }));
    expect((await askForAll(jobs, 'limit=3')).flat().length).toBe(5);
  });

  it('refuses a parameter that it does not know', async () => {
    const { status, json } = await ask([], 'limit=0&page=3');
    expect([status, json.code, json.errors.length]).toEqual([400, 'invalid_request', 2]);
  });
});
