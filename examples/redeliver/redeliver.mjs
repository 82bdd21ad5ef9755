// Sends webhooks again that a receiver missed. Node 20 or later, no packages.
//
//   CLIENT_KEY=msj_… node redeliver.mjs --url http://127.0.0.1:8787 --since 2026-01-01T00:00:00Z
//
// --status takes exhausted, gone, blocked or pending; several are separated by commas. Without it, those that were
// given up after their last attempt: exhausted. --dry-run only lists them.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    since: { type: 'string' },
    status: { type: 'string', default: 'exhausted' },
    'dry-run': { type: 'boolean', default: false },
  },
});
const key = process.env.CLIENT_KEY;
if (!values.url || !values.since || !key) {
  console.error(
    'Usage: CLIENT_KEY=msj_… node redeliver.mjs --url URL --since TIME [--status LIST] [--dry-run]',
  );
  process.exit(2);
}

const url = values.url.replace(/\/+$/, '');

async function call(method, path) {
  const response = await fetch(url + path, { method, headers: { authorization: `Bearer ${key}` } });
  const answer = await response.json().catch(() => ({}));
  return { status: response.status, answer, retryAfter: response.headers.get('retry-after') };
}

/** A page may be empty and still have a next one. */
async function* jobsSince(since) {
  let cursor = '';
  do {
    const query = new URLSearchParams({ created_after: since, limit: '100', ...(cursor && { cursor }) });
    const { status, answer } = await call('GET', `/v1/jobs?${query}`);
    if (status !== 200) throw new Error(`The API answered ${status}: ${JSON.stringify(answer)}`);
    yield* answer.jobs;
    cursor = answer.next_cursor;
  } while (cursor);
}

/** Whether it was accepted. The gateway's throttle passes by itself; ours is said with a code, and is final here. */
async function redeliver(jobId) {
  for (;;) {
    const { status, answer, retryAfter } = await call('POST', `/v1/jobs/${jobId}/redeliver`);
    if (status === 202) return true;
    if (status < 500 && (status !== 429 || answer.code)) {
      console.error(`${jobId}: ${status} ${answer.detail ?? ''}`);
      return false;
    }
    await sleep((Number(retryAfter) || 1) * 1000);
  }
}

const wanted = values.status.split(',');
let [found, accepted] = [0, 0];
for await (const { job_id, finished_at, webhook } of jobsSince(values.since)) {
  if (!finished_at || !webhook || !wanted.includes(webhook.status)) continue;
  found += 1;
  console.log(`${job_id}\t${webhook.status}\t${webhook.url}`);
  if (!values['dry-run'] && (await redeliver(job_id))) accepted += 1;
}
console.error(
  values['dry-run'] ? `${found} webhooks found.` : `${accepted} of ${found} webhooks are sent again.`,
);
process.exitCode = values['dry-run'] || accepted === found ? 0 : 1;
