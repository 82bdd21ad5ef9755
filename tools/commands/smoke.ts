import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { redacted } from '../../functions/core/redact.ts';
import { type Answer, type Api, callPatiently, keyIn, refusalIn, urlIn } from './api.ts';
import { needed, print, runCommand, tell, UsageError } from './command.ts';
import { CliError } from './error-message.ts';
import { localSystemIn } from './find-target.ts';
import { lookAround } from './first-look.ts';

const HELP = `Proves a deployment: runs one real job of a few tokens through its public API and waits for its end.

  npm run smoke -- --url URL --key KEY --model MODEL
  npm run smoke -- --local
  npm run smoke -- --url URL --key KEY --model MODEL --first [--webhook URL]

  --url URL     the stack's output ApiUrl
  --key KEY     a client key with both scopes, see npm run keys
  --model ID    a model of your ModelStudio organization
  --first       afterwards, looks at what only a real account can show: docs/first-deployment.md. It runs a job of about
                a hundred thousand tokens, and sends more requests than the throttle lets through
  --webhook URL a receiver that answers 2xx, for --first
  --local       takes what is not given from the system that \`npm start\` runs on this machine
  --port N      the port of that system's API, default 8787

Prints a line of JSON: job_id, status, accepted_after_ms (until the API had taken the job), finished_after_ms (from its
creation to its end, by the deployment's clock), seen_after_ms (until its end was seen here). Fails unless the job
completes within 15 minutes. With --first, prints a line for each look, and fails if one is not as expected.
`;

const EXPIRES_IN_SECONDS = 900;
const JOB = {
  messages: [[{ role: 'user', content: 'Answer with the one word OK.' }]],
  temperature: 0,
  max_tokens: 16,
  expires_in: EXPIRES_IN_SECONDS,
};
/** By then the deployment has ended the job itself: its sweep comes once a minute. */
const END_PATIENCE_MILLIS = (EXPIRES_IN_SECONDS + 120) * 1000;
const SUBMIT_PATIENCE_MILLIS = 60_000;
const SHOWN_MAX_LENGTH = 200;

interface Job {
  job_id: string;
  status: string;
  total_tasks: number;
  completed_tasks: number;
  failed_tasks: number;
  created_at: string;
  finished_at: string | null;
  results: { result: unknown; error: unknown }[] | null;
  error: { code: string; message: string } | null;
}

/** @throws a CliError when the answer is another one */
function jobIn(answer: Answer<Job>, status: number): Job {
  if (answer.status === status && answer.body?.job_id) return answer.body as Job;
  throw new CliError(refusalIn(answer));
}

async function submit(api: Api, model: string): Promise<Answer<Job>> {
  const headers = { 'content-type': 'application/json', 'idempotency-key': randomUUID() };
  const body = JSON.stringify({ model_id: model, ...JOB });
  const until = performance.now() + SUBMIT_PATIENCE_MILLIS;
  return callPatiently<Job>(until, api, '/v1/jobs', { method: 'POST', headers, body });
}

async function smoke(api: Api, model: string): Promise<void> {
  const startedAt = performance.now();
  const elapsedMillis = () => Math.round(performance.now() - startedAt);
  const say = (words: string) => tell(`${(elapsedMillis() / 1000).toFixed(1).padStart(6)} s  ${words}`);

  let answer = await submit(api, model);
  let job = jobIn(answer, 202);
  const acceptedAfter = elapsedMillis();
  say(`accepted: ${job.job_id}`);
  while (!job.finished_at) {
    if (elapsedMillis() > END_PATIENCE_MILLIS)
      throw new CliError('The job did not end, not even by its expiry.');
    await sleep(answer.retryAfterSeconds * 1000);
    answer = await callPatiently<Job>(startedAt + END_PATIENCE_MILLIS, api, `/v1/jobs/${job.job_id}`);
    job = jobIn(answer, 200);
    say(
      job.status === 'queued'
        ? 'queued: ModelStudio does not take it yet'
        : `${job.status}, ${job.completed_tasks} of ${job.total_tasks} done`,
    );
  }

  const timings = {
    job_id: job.job_id,
    status: job.status,
    accepted_after_ms: acceptedAfter,
    finished_after_ms: Date.parse(job.finished_at ?? '') - Date.parse(job.created_at),
    seen_after_ms: elapsedMillis(),
  };
  print(JSON.stringify(timings));
  const [task] = job.results ?? [];
  if (job.error) throw new CliError(`The job ended ${job.status}: ${job.error.message}`);
  if (job.status !== 'completed') throw new CliError(`The job ended ${job.status}.`);
  if (job.failed_tasks > 0)
    throw new CliError(`The job completed, but its task failed: ${shown(task?.error)}`);
  say(`the model says ${shown(task?.result)}`);
}

async function lookFirst(subject: Parameters<typeof lookAround>[0]): Promise<void> {
  let surprises = 0;
  for await (const { what, state, words } of lookAround(subject)) {
    print(redacted(`${state.padEnd(15)} ${what.padEnd(21)} ${words}`));
    if (state === 'not as expected') surprises += 1;
  }
  if (surprises > 0) throw new CliError('Not all is as expected: see docs/first-deployment.md.');
}

const shown = (value: unknown) => JSON.stringify(value)?.slice(0, SHOWN_MAX_LENGTH);

await runCommand({
  help: HELP,
  options: {
    url: { type: 'string' },
    key: { type: 'string' },
    model: { type: 'string' },
    first: { type: 'boolean' },
    webhook: { type: 'string' },
    local: { type: 'boolean' },
    port: { type: 'string' },
  },
  secrets: ['key'],
  async run(values) {
    const running = await localSystemIn(values);
    const url = urlIn(needed(values.url ?? running?.apiUrl, '--url'));
    const key = keyIn(needed(values.key ?? running?.clientKey, '--key'));
    const model = needed(values.model ?? running?.modelStudio.modelIds[0], '--model');
    const { first = false, webhook } = values;
    if (webhook !== undefined && !first) throw new UsageError('--webhook needs --first');
    await smoke({ url, key }, model);
    if (first) await lookFirst({ url, key, model, webhook, isLocal: running !== null });
  },
});
