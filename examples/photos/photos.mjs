// Asks a vision model the same question about each of several photos, in one job. Node 20 or later, no packages.
//
//   CLIENT_KEY=msj_… node photos.mjs --url http://127.0.0.1:8787 --model sandbox-vision --ask "What is this?" *.jpg
//
// A phone's photo is larger than a request may be, so they go up as a file: each is a line, with its picture as a data: URL.
// Prints a line of JSON for each photo. Run again after it was interrupted, the same photos are the same job;
// --run NAME, a name of yours, makes another one of them.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const TYPES = { '.jpg': 'image/jpeg', '.jpeg': 'image/jpeg', '.png': 'image/png', '.webp': 'image/webp' };
const WORTH_REPEATING = [429, 500, 503];

const { values, positionals: photos } = parseArgs({
  options: {
    url: { type: 'string' },
    model: { type: 'string' },
    ask: { type: 'string' },
    run: { type: 'string', default: '' },
  },
  allowPositionals: true,
});
const key = process.env.CLIENT_KEY;
if (!values.url || !values.model || !values.ask || photos.length === 0 || !key) {
  console.error(
    'Usage: CLIENT_KEY=msj_… node photos.mjs --url URL --model MODEL --ask QUESTION [--run NAME] PHOTO…',
  );
  process.exit(2);
}
const url = values.url.replace(/\/+$/, '');

function lineOf(photo) {
  const type = TYPES[extname(photo).toLowerCase()];
  if (!type) throw new Error(`${photo} is none of ${Object.keys(TYPES).join(', ')}`);
  const picture = `data:${type};base64,${readFileSync(photo).toString('base64')}`;
  const content = [
    { type: 'text', text: values.ask },
    { type: 'image_url', image_url: { url: picture } },
  ];
  return `${JSON.stringify([{ role: 'user', content }])}\n`;
}

async function call(method, path, body = undefined, headers = {}) {
  for (;;) {
    const response = await fetch(url + path, {
      method,
      body: body && JSON.stringify(body),
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    });
    const retryAfterSeconds = Number(response.headers.get('retry-after')) || 1;
    if (!WORTH_REPEATING.includes(response.status)) {
      const answer = await response.json();
      if (response.ok) return { answer, retryAfterSeconds };
      throw new Error(`The API answered ${response.status}: ${JSON.stringify(answer)}`);
    }
    await sleep(retryAfterSeconds * 1000);
  }
}

/** What is there already is not sent again: the hash tells. */
async function uploaded(lines) {
  const sha256 = createHash('sha256');
  for (const line of lines) sha256.update(line);
  const file = new Blob(lines);
  const said = { bytes: file.size, format: 'jsonl', sha256: sha256.digest('hex') };
  const { answer } = await call('POST', '/v1/uploads', said);
  if (answer.url) {
    const put = await fetch(answer.url, { method: 'PUT', headers: answer.headers, body: file });
    if (!put.ok) throw new Error(`The bucket answered ${put.status}: ${await put.text()}`);
  }
  return { uploadId: answer.upload_id, sha256: said.sha256 };
}

const { uploadId, sha256 } = await uploaded(photos.map(lineOf));
const request = { model_id: values.model, messages_from: uploadId, webhook_url: null };
const identity = JSON.stringify([sha256, values.model, values.run]);
const headers = { 'idempotency-key': createHash('sha256').update(identity).digest('hex') };
let { answer: job, retryAfterSeconds } = await call('POST', '/v1/jobs', request, headers);
while (!job.finished_at) {
  await sleep(retryAfterSeconds * 1000);
  ({ answer: job, retryAfterSeconds } = await call('GET', `/v1/jobs/${job.job_id}`));
}
if (job.error) throw new Error(`The job ended ${job.status}: ${JSON.stringify(job.error)}`);

const results = job.results ?? (await call('GET', `/v1/jobs/${job.job_id}/results`)).answer;
for (const [i, photo] of photos.entries()) {
  const { status, result, error } = results[i];
  console.log(JSON.stringify({ photo: basename(photo), status, result, error }));
}
process.exitCode = job.failed_tasks > 0 ? 1 : 0;
