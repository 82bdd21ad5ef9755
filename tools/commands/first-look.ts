import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Api, callPatiently } from './api.ts';
import { messageOf } from './error-message.ts';

export interface Look {
  what: string;
  state: 'ok' | 'not as expected' | 'cannot look';
  words: string;
}

type Found = Omit<Look, 'what'>;
const found = (isExpected: boolean, words: string): Found => ({
  state: isExpected ? 'ok' : 'not as expected',
  words,
});
const unseen = (words: string): Found => ({ state: 'cannot look', words });

/** Together, these results are larger than an event may be, so they lie in the bucket. */
const CONVERSATIONS = 60;
const CONVERSATION = [
  { role: 'system', content: 'Whatever you are asked, write the numbers from 1 to 2000, one a line.' },
  // What the sandbox takes literally.
  { role: 'user', content: 'repeat:6000' },
];
const MAX_TOKENS = 4096;
const PATIENCE_MILLIS = 1_800_000;
/** More than the default setting `throttleBurst`, in a second or two. */
const BURST = 1200;
/** More than API Gateway takes. */
const TOO_LARGE_BYTES = 11_000_000;
const SHOWN_MAX_LENGTH = 80;
const GATEWAY_REFUSAL = '{"message":"Too Many Requests"}';

interface Job {
  job_id: string;
  status: string;
  finished_at: string | null;
  failed_tasks: number;
  webhook: { status: string; attempts: number } | null;
}

interface Subject extends Api {
  model: string;
  /** Of a receiver that answers 2xx. */
  webhook: string | undefined;
  isLocal: boolean;
}

type Ask = (path: string, init?: RequestInit) => Promise<Response>;

/** What only a real account can show, as far as its API shows it: docs/first-deployment.md says what is right. */
export async function* lookAround(subject: Subject): AsyncGenerator<Look> {
  const { url, isLocal } = subject;
  const ask: Ask = (path, init = {}) => fetch(url + path, { redirect: 'manual', ...init });
  yield* gateway(subject, ask);
  yield* largeJob(subject, ask);
  yield* look('the throttle', async () => (isLocal ? unseen('this machine has none') : throttled(ask)));
  for (const what of ['alarms', 'logs', 'the link a day later'])
    yield { what, ...unseen('docs/first-deployment.md says how') };
}

async function* gateway({ key }: Subject, ask: Ask): AsyncGenerator<Look> {
  yield* look('WWW-Authenticate', async () => {
    const { status, headers } = await ask('/v1/jobs');
    const names = [...headers.keys()].filter((name) => name.includes('authenticate'));
    const words = `${status}, with ${names.join(', ') || 'none'}`;
    return found(status === 401 && headers.has('www-authenticate'), words);
  });
  yield* look('HEAD', async () => {
    const answer = await ask('/v1/health', { method: 'HEAD' });
    const bytes = (await answer.arrayBuffer()).byteLength;
    return found(answer.status === 200 && bytes === 0, `${answer.status}, and a body of ${bytes} bytes`);
  });
  yield* look('a larger body', async () => {
    const body = JSON.stringify({ model_id: 'x'.repeat(TOO_LARGE_BYTES) });
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const answer = await ask('/v1/jobs', { method: 'POST', body, headers });
    return found(
      answer.status === 413,
      `${answer.status} ${(await answer.text()).slice(0, SHOWN_MAX_LENGTH)}`,
    );
  });
}

async function* largeJob(subject: Subject, ask: Ask): AsyncGenerator<Look> {
  const seen: { uploadId?: string; job?: Job; link?: string | null } = {};
  const headers = { authorization: `Bearer ${subject.key}` };
  yield* look('an upload', async () => {
    const { id, second } = await uploadTwice(subject);
    seen.uploadId = id;
    return found(second === 412, `the file was taken, and a second one answered ${second}`);
  });
  const { uploadId } = seen;
  if (uploadId === undefined) return;
  yield* look('a job out of it', async () => {
    const job = await runJob(subject, uploadId);
    seen.job = job;
    return found(job.status === 'completed', `${job.status}, ${job.failed_tasks} of ${CONVERSATIONS} failed`);
  });
  const { job } = seen;
  if (!job) return;
  yield* look('a webhook', async () => {
    if (!job.webhook) return unseen('give a receiver with --webhook');
    const { status, attempts } = job.webhook;
    return found(status === 'delivered', `${status}, attempts: ${attempts}`);
  });
  yield* look('a large result', async () => {
    const answer = await ask(`/v1/jobs/${job.job_id}/results`, { headers });
    seen.link = answer.headers.get('location');
    if (answer.status === 200)
      return unseen('the model wrote too little, so the answer itself has the results');
    return found(answer.status === 307 && seen.link !== null, `${answer.status}`);
  });
  const { link } = seen;
  if (!link) return;
  yield* look('its link', async () => {
    const answer = await fetch(link);
    const results = (await answer.json().catch(() => [])) as unknown[];
    return found(results.length === CONVERSATIONS, `${answer.status}, ${results.length} results`);
  });
  yield* look('its link with the key', async () => {
    const answer = await fetch(link, { headers });
    const [, code = 'no code'] = /<Code>(\w+)<\/Code>/.exec(await answer.text()) ?? [];
    return found(answer.status === 400, `${answer.status} ${code}`);
  });
}

/** One that could not be made has found nothing. */
async function* look(what: string, at: () => Promise<Found>): AsyncGenerator<Look> {
  yield { what, ...(await at().catch((error): Found => found(false, messageOf(error)))) };
}

function post<Body>(api: Api, path: string, body: object) {
  const headers = { 'content-type': 'application/json', 'idempotency-key': randomUUID() };
  const request = { method: 'POST', headers, body: JSON.stringify(body) };
  return callPatiently<Body>(performance.now() + PATIENCE_MILLIS, api, path, request);
}

async function uploadTwice(subject: Subject): Promise<{ id: string; second: number }> {
  const line = JSON.stringify(CONVERSATION);
  const file = Array(CONVERSATIONS).fill(line).join('\n');
  const asked = { bytes: Buffer.byteLength(file), format: 'jsonl' };
  type Upload = { upload_id: string; url: string; headers: Record<string, string> };
  const { status, body } = await post<Upload>(subject, '/v1/uploads', asked);
  if (!body?.upload_id || !body.url) throw new Error(`POST /v1/uploads answered ${status} ${body?.code}`);
  const put = { method: 'PUT', headers: body.headers ?? {}, body: file };
  const first = await fetch(body.url, put);
  if (!first.ok)
    throw new Error(`The bucket answered ${first.status}: ${(await first.text()).slice(0, 200)}`);
  return { id: body.upload_id, second: (await fetch(body.url, put)).status };
}

async function runJob(subject: Subject, uploadId: string): Promise<Job> {
  const { model, webhook } = subject;
  const fields = { model_id: model, messages_from: uploadId, max_tokens: MAX_TOKENS };
  const asked = { ...fields, ...(webhook && { webhook_url: webhook }) };
  let answer = await post<Job>(subject, '/v1/jobs', asked);
  const until = performance.now() + PATIENCE_MILLIS;
  for (;;) {
    const job = answer.body as Job | null;
    if (!job?.job_id) throw new Error(`The API answered ${answer.status} ${answer.body?.code}`);
    const isOver = job.finished_at !== null && job.webhook?.status !== 'pending';
    if (isOver || performance.now() > until) return job;
    await sleep(answer.retryAfterSeconds * 1000);
    answer = await callPatiently<Job>(until, subject, `/v1/jobs/${job.job_id}`);
  }
}

async function throttled(ask: Ask): Promise<Found> {
  const answers = Array.from({ length: BURST }, async () => {
    const answer = await ask('/v1/health');
    return { status: answer.status, text: await answer.text() };
  });
  const all = await Promise.all(answers);
  const counts = Object.entries(Object.groupBy(all, ({ status }) => status));
  const words = counts.map(([status, those]) => `${those?.length} × ${status}`).join(', ');
  const refused = all.filter(({ status }) => status === 429);
  if (refused.length === 0)
    return unseen(`${words}: throttleBurst is larger than these, or they were too slow`);
  const others = all.filter(({ status }) => status !== 200 && status !== 429);
  const isOurs = refused.every(({ text }) => text === GATEWAY_REFUSAL);
  return found(isOurs && others.length === 0, `${words}; ${refused[0]?.text.slice(0, SHOWN_MAX_LENGTH)}`);
}
