// Node 22.18 or later: CLIENT_KEY=msj_… node submit.mts
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

interface Job {
  job_id: string;
  status: 'queued' | 'submitting' | 'running' | 'completed' | 'failed' | 'cancelled' | 'expired';
}

const { CLIENT_KEY, IDEMPOTENCY_KEY = randomUUID() } = process.env;

const request = {
  model_id: 'sandbox-instant',
  messages: [[{ role: 'user', content: 'Name the capital of France.' }]],
};

const response = await post(IDEMPOTENCY_KEY);
if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);

const job = (await response.json()) as Job;
console.log(job.job_id, job.status);

// The same key gets the same job: with an IDEMPOTENCY_KEY of yours, run it again after a timeout, too.
async function post(idempotencyKey: string): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const response = await fetch('http://127.0.0.1:8787/v1/jobs', {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${CLIENT_KEY}`,
        'Content-Type': 'application/json',
        'Idempotency-Key': idempotencyKey,
      },
      body: JSON.stringify(request),
      signal: AbortSignal.timeout(35_000),
    });
    if (![429, 500, 503].includes(response.status) || attempt === 5) return response;
    await sleep(1000 * Number(response.headers.get('Retry-After') ?? attempt));
  }
}
