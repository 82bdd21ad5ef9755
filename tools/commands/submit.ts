import { createHash } from 'node:crypto';
import { createReadStream, openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, type Api, callPatiently, download, keyIn, refusalIn, urlIn } from './api.ts';
import { needed, print, runCommand, tell, UsageError } from './command.ts';
import { CliError, messageOf } from './error-message.ts';
import { localSystemIn } from './find-target.ts';
import { type Mark, progressOf, startShowing } from './progress.ts';
import { checkOut, saveTo } from './results-file.ts';

const HELP = `Runs a file of conversations through a model, up to 50 000 and 200 MiB: uploads it, and makes one job of it.

  npm run submit -- --url URL --key KEY --model MODEL --file data.jsonl --out results.jsonl
  npm run submit -- --local --model sandbox-batch --file data.jsonl --wait

  --url URL          the stack's output ApiUrl
  --key KEY          a client key with both scopes, see npm run keys
  --model ID         a model of your ModelStudio organization
  --file FILE        the conversations: one a line, each an array of messages or an object with messages, or a JSON array of them
  --format F         jsonl or json, if the file's name does not end so
  --temperature N    as in the API
  --max-tokens N     as in the API
  --retries N        how often conversations that have failed are tried again, 0 to 3
  --webhook URL      where the job's end is told
  --run NAME         another name makes another job of the same file
  --wait             shows the progress until the job has ended
  --out FILE         waits, and writes the results to the file, one a line
  --local            takes what is not given from the system that \`npm start\` runs on this machine
  --port N           the port of that system's API, default 8787

Interrupted? Run the same command again: the same file and options are the same job, so nothing is uploaded or billed twice for
as long as the deployment keeps it. Prints a line of JSON: job_id and status, and after --wait total_tasks, completed_tasks and
failed_tasks. Fails, if it waits, unless every conversation has completed.
`;

/** A wait goes on if the API cannot be reached for less than this. */
const OUTAGE_MAX_MILLIS = 600_000;
const OUTAGE_RETRY_MILLIS = 1000;
const CALL_PATIENCE_MILLIS = 300_000;
const FORMATS: Record<string, string> = { '.json': 'json', '.jsonl': 'jsonl', '.ndjson': 'jsonl' };
/** S3's answer to a file that it has already. */
const IS_THERE = 412;

interface Upload {
  upload_id: string;
  url: string | null;
  headers: Record<string, string> | null;
}

interface Job {
  job_id: string;
  status: string;
  total_tasks: number | null;
  completed_tasks: number;
  failed_tasks: number;
  finished_at: string | null;
  error: { message: string; details?: { line?: number; pointer?: string; message: string }[] } | null;
}

interface File {
  path: string;
  format: string;
  sha256: string;
  bytes: number;
}

function post<Body>(api: Api, path: string, body: object, headers = {}): Promise<Answer<Body>> {
  const request = {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
  return callPatiently<Body>(performance.now() + CALL_PATIENCE_MILLIS, api, path, request);
}

async function fileAt(path: string, format: string): Promise<File> {
  const found = await stat(path).catch(() => null);
  if (!found?.isFile()) throw new CliError(`There is no file ${path}.`);
  if (found.size === 0) throw new CliError(`The file ${path} is empty.`);
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return { path, format, sha256: hash.digest('hex'), bytes: found.size };
}

/** @returns the id of the file's upload, which is complete */
async function upload(api: Api, { path, ...said }: File): Promise<string> {
  const answer = await post<Upload>(api, '/v1/uploads', said);
  const { upload_id: id, url, headers } = answer.body ?? {};
  if (answer.status !== 201 || id === undefined) throw new CliError(refusalIn(answer));
  if (!url) {
    tell('the file is there already');
    return id;
  }
  tell(`uploading ${(said.bytes / 1e6).toFixed(1)} MB`);
  const put = await fetch(url, { method: 'PUT', headers: headers ?? {}, body: await openAsBlob(path) });
  const text = await put.text();
  if (put.ok || put.status === IS_THERE) return id;
  const [, code = ''] = /<Code>(\w+)<\/Code>/.exec(text) ?? [];
  throw new CliError(`The bucket answered ${put.status} ${code} to the file. Has it changed meanwhile?`);
}

async function submit(api: Api, file: File, options: object, run: string): Promise<Job> {
  const messages_from = await upload(api, file);
  const identity = JSON.stringify([file.sha256, file.format, options, run]);
  const key = createHash('sha256').update(identity).digest('hex');
  const answer = await post<Job>(api, '/v1/jobs', { ...options, messages_from }, { 'idempotency-key': key });
  if (answer.status !== 202 || !answer.body?.job_id) throw new CliError(refusalIn(answer));
  return answer.body as Job;
}

async function finished(api: Api, jobId: string): Promise<Job> {
  const progress = startShowing();
  let mark: Mark | null = null;
  let reachedAt = performance.now();
  try {
    for (;;) {
      const answer = await read(api, jobId).catch((error) => {
        if (performance.now() - reachedAt > OUTAGE_MAX_MILLIS) throw error;
        tell(messageOf(error));
        return null;
      });
      if (answer === null) {
        await sleep(OUTAGE_RETRY_MILLIS);
        continue;
      }
      const now = performance.now();
      const { body: job, status, retryAfterSeconds } = answer;
      if (status !== 200 || !job?.job_id) throw new CliError(refusalIn(answer));
      reachedAt = now;
      if (job.status === 'running') mark ??= { atMillis: now, tasks: job.completed_tasks ?? 0 };
      if (job.finished_at) return job as Job;
      progress.show(job as Job, progressOf(job as Job, mark, now));
      await sleep(retryAfterSeconds * 1000);
    }
  } finally {
    progress.stop();
  }
}

const read = (api: Api, jobId: string) =>
  callPatiently<Job>(performance.now() + CALL_PATIENCE_MILLIS, api, `/v1/jobs/${jobId}`);

const resultsOf = (api: Api, jobId: string) =>
  download(api, `/v1/jobs/${jobId}/results`, { accept: 'application/jsonl' });

/** @throws a CliError unless all of it has completed */
function judge({ status, error, failed_tasks }: Job): void {
  if (error) {
    const faults = (error.details ?? []).map(
      ({ line, pointer, message }) =>
        `\n  ${line === undefined ? pointer || 'file' : `line ${line}`}: ${message}`,
    );
    throw new CliError(`The job ended ${status}: ${error.message}${faults.join('')}`);
  }
  if (status !== 'completed') throw new CliError(`The job ended ${status}.`);
  if (failed_tasks > 0) throw new CliError(`The job completed, but ${failed_tasks} conversations failed.`);
}

function formatIn(path: string, said: string | undefined): string {
  const format = said ?? FORMATS[extname(path).toLowerCase()];
  if (format !== undefined && Object.values(FORMATS).includes(format)) return format;
  throw new UsageError('--format must be jsonl or json');
}

/** Whether it is one that the API takes, the API says. */
function numberIn(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (text.trim() !== '' && Number.isFinite(number)) return number;
  throw new UsageError(`${flag} must be a number`);
}

await runCommand({
  help: HELP,
  options: {
    url: { type: 'string' },
    key: { type: 'string' },
    model: { type: 'string' },
    file: { type: 'string' },
    format: { type: 'string' },
    temperature: { type: 'string' },
    'max-tokens': { type: 'string' },
    retries: { type: 'string' },
    webhook: { type: 'string' },
    run: { type: 'string' },
    wait: { type: 'boolean' },
    out: { type: 'string' },
    local: { type: 'boolean' },
    port: { type: 'string' },
  },
  secrets: ['key'],
  async run(values) {
    const path = needed(values.file, '--file');
    const format = formatIn(path, values.format);
    const options = {
      temperature: numberIn(values.temperature, '--temperature'),
      max_tokens: numberIn(values['max-tokens'], '--max-tokens'),
      task_retries: numberIn(values.retries, '--retries'),
      webhook_url: values.webhook,
    };
    const running = await localSystemIn(values);
    const api = {
      url: urlIn(needed(values.url ?? running?.apiUrl, '--url')),
      key: keyIn(needed(values.key ?? running?.clientKey, '--key')),
    };
    const model_id = needed(values.model ?? running?.modelStudio.modelIds[0], '--model');

    const file = await fileAt(path, format);
    if (values.out !== undefined) await checkOut(values.out, path);
    const begun = await submit(api, file, { model_id, ...options }, values.run ?? '');
    tell(`job ${begun.job_id}`);
    if (!values.wait && values.out === undefined) {
      print(JSON.stringify({ job_id: begun.job_id, status: begun.status }));
      return;
    }
    const job = await finished(api, begun.job_id);
    const { job_id, status, total_tasks, completed_tasks, failed_tasks } = job;
    if (values.out !== undefined) await saveTo(values.out, await resultsOf(api, job_id));
    print(JSON.stringify({ job_id, status, total_tasks, completed_tasks, failed_tasks }));
    judge(job);
  },
});
