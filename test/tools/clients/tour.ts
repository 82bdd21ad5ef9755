import { ModelStudioJobsClient, verifyWebhook } from '../../../clients/typescript/index.ts';
import type { Line } from '../blackbox/system.ts';

const request = (model_id: string, ...prompts: string[]) => ({
  model_id,
  messages: prompts.map((content) => [{ role: 'user' as const, content }]),
  webhook_url: null,
});

/** Larger than an answer may be, with what breaks a reader that knows too little of JSON. */
const LARGE = 'repeat:300000';
const FILE = '[{"role":"user","content":"é"}]\n{"messages":[{"role":"user","content":"}\\"\\\\{"}]}\n';

type Described = Pick<Line, 'api_url' | 'client_keys' | 'webhook_secret' | 'webhook_inbox_url'>;

/** Makes every call of the client to a system that runs, in whatever runtime this is. */
export async function tour({ api_url, client_keys, webhook_secret, webhook_inbox_url }: Described) {
  const client = new ModelStudioJobsClient({ url: api_url, key: client_keys[0] });
  const ran = await client.run({ ...request('sandbox-instant', 'a', 'é'), webhook_url: webhook_inbox_url });
  const looks: string[] = [];
  const submitted = await client.submit(request('sandbox-instant', LARGE, '}"\\{'));
  const large = await client.wait(submitted, { onProgress: ({ status }) => looks.push(status) });
  const places = [];
  for await (const { task_index, result } of client.eachResult(large))
    places.push([task_index, result?.length]);
  const upload = await client.upload(FILE, { format: 'jsonl' });
  const uploaded = await client.run({
    model_id: 'sandbox-instant',
    messages_from: upload,
    webhook_url: null,
  });
  const blob = await client.upload(new Blob([FILE]), { format: 'jsonl' });
  await client.deleteUpload(blob);
  const failed = await client.run(request('sandbox-fails', 'a')).catch((error) => error);
  const refused = await client.submit({ ...request('m', 'a'), temperature: 9 }).catch((error) => error);
  const aborted = await client
    .run(request('sandbox-never', 'a'), { signal: AbortSignal.timeout(300) })
    .catch((error) => error);
  let cancelled = 0;
  for await (const job of client.list({ status: 'running' })) {
    if ((await client.cancel(job)).status === 'cancelled') cancelled++;
  }
  const webhook = await received(webhook_inbox_url, ran.job_id);
  const event = await verifyWebhook(webhook.body, webhook.headers, webhook_secret);
  const attempts = (await client.deliveries(ran)).map(({ status }) => status);
  const redelivered = await client.redeliver(ran);
  const isSame = (await client.results(large.job_id)).length === places.length;
  await client.delete(large);
  const deleted = await client.get(large).catch((error) => error);
  return {
    results: ran.results.map(({ result }) => result),
    looks: looks.at(-1),
    places,
    isSame,
    uploaded: uploaded.results.map(({ result }) => result),
    failed: [failed.name, failed.job.error.code],
    refused: [refused.name, refused.problem.errors[0].pointer],
    aborted: aborted.name,
    cancelled,
    event: [event.type, event.data.job_id === ran.job_id],
    attempts,
    redelivered: redelivered.webhook?.status,
    redeliveredAll: await client.redeliverAll({ webhook_status: 'exhausted' }),
    deleted: [deleted.status, deleted.code],
  };
}

/** A reply of the sandbox. */
const reply = (prompt: string) => `Sandbox reply to "${prompt}" (temperature 0.7, max_tokens 512)`;

export const SEEN = {
  results: [reply('a'), reply('é')],
  looks: 'completed',
  places: [
    [0, 300_000],
    [1, reply('}"\\{').length],
  ],
  isSame: true,
  uploaded: [reply('é'), reply('}"\\{')],
  failed: ['JobError', 'modelstudio_job_failed'],
  refused: ['ApiError', '/temperature'],
  aborted: 'TimeoutError',
  cancelled: 1,
  event: ['job.completed', true],
  attempts: [204],
  redelivered: 'pending',
  redeliveredAll: 0,
  deleted: [404, 'not_found'],
};

interface Received {
  headers: Record<string, string>;
  body: string;
}

async function received(inboxUrl: string, jobId: string): Promise<Received> {
  for (;;) {
    const { received } = (await (await fetch(inboxUrl)).json()) as { received: Received[] };
    const found = received.find(({ body }) => body.includes(jobId));
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
