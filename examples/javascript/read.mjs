// CLIENT_KEY=msj_… JOB_ID=job_… node read.mjs
import { setTimeout as sleep } from 'node:timers/promises';

const JOBS_URL = 'http://127.0.0.1:8787/v1/jobs';

async function get(url) {
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(url, {
      headers: { Authorization: `Bearer ${process.env.CLIENT_KEY}` },
      signal: AbortSignal.timeout(35_000),
    });
    if (response.ok) return response;
    if (![429, 500, 503].includes(response.status) || attempt === 5)
      throw new Error(`${response.status} ${await response.text()}`);
    await sleep(1000 * Number(response.headers.get('Retry-After') ?? attempt));
  }
}

async function finished(jobId) {
  for (;;) {
    const response = await get(`${JOBS_URL}/${jobId}`);
    const job = await response.json();
    if (job.finished_at) return job;
    await sleep(1000 * Number(response.headers.get('Retry-After') ?? 1));
  }
}

const job = await finished(process.env.JOB_ID);
// Large results are not in the job, but behind a URL.
if (job.results_url) job.results = await (await get(job.results_url)).json();
console.log(JSON.stringify(job, null, 2));
