// Node 22.18 or later: CLIENT_KEY=msj_… node submit.mts
import { randomUUID } from 'node:crypto';

interface Job {
  job_id: string;
  status: 'queued' | 'submitting' | 'running' | 'completed' | 'failed' | 'cancelled' | 'expired';
}

const { CLIENT_KEY, IDEMPOTENCY_KEY = randomUUID() } = process.env;

const request = {
  model_id: 'sandbox-instant',
  messages: [[{ role: 'user', content: 'Name the capital of France.' }]],
};

const response = await fetch('http://127.0.0.1:8787/v1/jobs', {
  method: 'POST',
  headers: {
    Authorization: `Bearer ${CLIENT_KEY}`,
    'Content-Type': 'application/json',
    // With an IDEMPOTENCY_KEY of yours, run it again after a timeout, a 500 or a 503: it gets the same job.
    'Idempotency-Key': IDEMPOTENCY_KEY,
  },
  body: JSON.stringify(request),
  signal: AbortSignal.timeout(35_000),
});
if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);

const job = (await response.json()) as Job;
console.log(job.job_id, job.status);
