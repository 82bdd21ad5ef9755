// Node 22.18 or later: CLIENT_KEY=msj_… JOB_ID=job_… node read.mts
import { setTimeout as sleep } from 'node:timers/promises';

const JOBS_URL = 'http://127.0.0.1:8787/v1/jobs';

interface Job {
  job_id: string;
  status: 'queued' | 'submitting' | 'running' | 'completed' | 'failed' | 'cancelled' | 'expired';
  finished_at: string | null;
  results: Result[] | null;
  results_url: string | null;
  error: { code: string; message: string } | null;
}

interface Result {
  task_index: number;
  status: string;
  result: unknown;
  error: unknown;
}

const { CLIENT_KEY, JOB_ID } = process.env;

async function get(url: string): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(url, {
      headers: { Authorization: `Bearer ${CLIENT_KEY}` },
      signal: AbortSignal.timeout(35_000),
    });
    if (response.ok) return response;
    if (![429, 500, 503].includes(response.status) || attempt === 5)
      throw new Error(`${response.status} ${await response.text()}`);
    await sleep(1000 * Number(response.headers.get('Retry-After') ?? attempt));
  }
}

async function finished(jobId: string): Promise<Job> {
  for (;;) {
    const response = await get(`${JOBS_URL}/${jobId}`);
    const job = (await response.json()) as Job;
    if (job.finished_at) return job;
    await sleep(1000 * Number(response.headers.get('Retry-After') ?? 1));
  }
}

const job = await finished(String(JOB_ID));
// Large results are not in the job, but behind a URL.
if (job.results_url) job.results = (await (await get(job.results_url)).json()) as Result[];
console.log(JSON.stringify(job, null, 2));
