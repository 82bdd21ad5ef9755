// Runs a data set through a model: conversations as JSON Lines in, results as CSV out. Node 20 or later, no packages.
//
//   CLIENT_KEY=msj_… node dataset.mjs --url http://127.0.0.1:8787 --model sandbox-instant prompts.jsonl results.csv
//
// Each line of the input is an array of messages, or an object with `messages`, as in fine-tuning files. Run it again
// after it was interrupted: the same lines are the same jobs, as long as the deployment keeps them. --run NAME, a name
// of yours, makes other jobs of the same lines.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const CONVERSATIONS_MAX = 1000;
/** The API takes 4 MiB; what is left is for the rest of the request. */
const BYTES_MAX = 4_000_000;
const WORTH_REPEATING = [429, 500, 503];

const { values, positionals } = parseArgs({
  options: { url: { type: 'string' }, model: { type: 'string' }, run: { type: 'string', default: '' } },
  allowPositionals: true,
});
const [input, output] = positionals;
const key = process.env.CLIENT_KEY;
if (!values.url || !values.model || !input || !output || !key) {
  console.error(
    'Usage: CLIENT_KEY=msj_… node dataset.mjs --url URL --model MODEL [--run NAME] INPUT.jsonl OUTPUT.csv',
  );
  process.exit(2);
}
const jobsUrl = `${values.url.replace(/\/+$/, '')}/v1/jobs`;

/** The conversations of a file, each with the number of its line. */
function conversationsIn(file) {
  return readFileSync(file, 'utf8')
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((text, i) => ({ text, line: i + 1 }))
    .filter(({ text }) => text.trim() !== '')
    .map(({ text, line }) => ({ line, messages: messagesIn(text, `Line ${line} of ${file}`) }));
}

function messagesIn(text, place) {
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${place} is not JSON: ${error.message}`);
  }
  const messages = Array.isArray(value) ? value : value?.messages;
  if (Array.isArray(messages)) return messages;
  throw new Error(`${place} is neither an array of messages nor an object with messages`);
}

/** As few jobs as the API's limits allow. */
function batchesOf(conversations) {
  const batches = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const conversation of conversations) {
    const size = Buffer.byteLength(JSON.stringify(conversation.messages)) + 1;
    if (bytes + size > BYTES_MAX || batches.at(-1).length === CONVERSATIONS_MAX) {
      batches.push([]);
      bytes = 0;
    }
    batches.at(-1).push(conversation);
    bytes += size;
  }
  return batches;
}

async function call(method, url, headers = {}, body = undefined) {
  for (;;) {
    const response = await fetch(url, {
      method,
      body,
      headers: { authorization: `Bearer ${key}`, ...headers },
    });
    const retryAfterSeconds = Number(response.headers.get('retry-after')) || 1;
    const answer = await response.json().catch(() => ({}));
    if (response.ok || response.status === 504) return { answer, retryAfterSeconds };
    if (!WORTH_REPEATING.includes(response.status)) {
      throw new Error(`The API answered ${response.status}: ${JSON.stringify(answer)}`);
    }
    await sleep(retryAfterSeconds * 1000);
  }
}

async function submit(batch) {
  const body = JSON.stringify({
    model_id: values.model,
    messages: batch.map(({ messages }) => messages),
    webhook_url: null,
  });
  const headers = {
    'content-type': 'application/json',
    // The same lines in the same run get the same job: a repeat is not billed again.
    'idempotency-key': createHash('sha256').update(body).update(values.run).digest('hex'),
  };
  const { answer } = await call('POST', jobsUrl, headers, body);
  return answer.job_id;
}

async function finished(jobId) {
  for (;;) {
    const { answer, retryAfterSeconds } = await call('GET', `${jobsUrl}/${jobId}`);
    if (answer.finished_at) return answer;
    await sleep(retryAfterSeconds * 1000);
  }
}

async function resultsOf(job) {
  if (job.results_url) return (await call('GET', job.results_url)).answer;
  return job.results ?? [];
}

const text = (value) => (typeof value === 'string' ? value : value == null ? '' : JSON.stringify(value));
const cell = (value) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

const batches = batchesOf(conversationsIn(input));
const jobIds = [];
for (const batch of batches) {
  jobIds.push(await submit(batch));
  console.error(`${jobIds.at(-1)}: lines ${batch[0].line} to ${batch.at(-1).line}`);
}
const rows = [['line', 'status', 'result', 'error']];
for (const [i, batch] of batches.entries()) {
  const job = await finished(jobIds[i]);
  const results = await resultsOf(job);
  for (const [task, { line }] of batch.entries()) {
    const { status = job.status, result, error = job.error?.message } = results[task] ?? {};
    rows.push([String(line), status, text(result), text(error)]);
  }
}
writeFileSync(output, rows.map((row) => `${row.map(cell).join(',')}\r\n`).join(''));
const failed = rows.slice(1).filter(([, status]) => status !== 'completed').length;
console.error(`${rows.length - 1} rows in ${output}, of which ${failed} failed.`);
process.exitCode = failed > 0 ? 1 : 0;
