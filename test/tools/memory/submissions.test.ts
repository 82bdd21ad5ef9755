import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BODY_MAX_BYTES, FUNCTIONS } from '../../../functions/core/limits.ts';
import { type Bundles, bundleFunctions } from '../../../lib/stages/bundle.ts';
import { environment } from '../../../tools/bench/start/environment.ts';
import { apiEvent } from '../../cloud/handlers.ts';
import { CLIENT, startCloud } from './cloud.ts';

const { memoryMib } = FUNCTIONS.submit;
const SHARE = 0.8;

/** Handles one request as Lambda does, which gives it as JSON, and says what memory the process has taken at the most. */
const HANDLE = `
const { handler } = require(process.argv[1]);
let text = '';
process.stdin.setEncoding('utf8').on('data', (part) => (text += part)).on('end', async () => {
  const event = JSON.parse(text);
  text = '';
  for (let i = 0; i < 3; i++) {
    const { statusCode } = await handler(event, {});
    if (i === 2) require('node:fs').writeSync(2, JSON.stringify({
      statusCode, rssMiB: process.resourceUsage().maxRSS / 1024 }));
  }
  process.exit(0);
});`;

let bundles: Bundles;
beforeAll(() => {
  bundles = bundleFunctions();
});
afterAll(() => bundles.remove());

async function submit(body: string) {
  const created = JSON.stringify({ job_id: 'gen_1', status: 'CREATED', message: 'Job created successfully' });
  const cloud = await startCloud(Buffer.from(created), 1);
  try {
    const queues = ['POLL_QUEUE_URL', 'DELIVER_QUEUE_URL', 'CREATE_QUEUE_URL'];
    const env = {
      ...environment,
      PATH: process.env['PATH'],
      AWS_ENDPOINT_URL: cloud.url,
      ...Object.fromEntries(queues.map((queue) => [queue, `${cloud.url}/123456789012/${queue}`])),
      ...{ QUEUE_FOR_SECONDS: '3600', ALLOW_RESUBMIT: 'false', FORWARD_TRACESTATE: 'false' },
      MODELSTUDIO_BASE_URL: cloud.url,
      NODE_OPTIONS: '',
    };
    const heap = `--max-old-space-size=${Math.floor(memoryMib * 0.9)}`;
    const child = spawn(
      process.execPath,
      [heap, '--eval', HANDLE, `${bundles.folderOf('submit')}/index.js`],
      { env },
    );
    let said = '';
    child.stdout.resume();
    child.stderr.setEncoding('utf8').on('data', (text) => (said += text));
    const headers = { authorization: `Bearer ${CLIENT.key}`, 'content-type': 'application/json' };
    child.stdin.end(JSON.stringify(apiEvent({ method: 'POST', path: '/v1/jobs', headers, body })));
    await new Promise((resolve) => child.on('close', resolve));
    return JSON.parse(said) as { statusCode: number; rssMiB: number };
  } finally {
    cloud.close();
  }
}

/** A request of so many bytes, filled up by what is repeated. */
function requestOf(before: string, unit: string, after: string): string {
  const room = BODY_MAX_BYTES - before.length - after.length;
  return before + unit.repeat(Math.floor(room / Buffer.byteLength(unit))) + after;
}

const MODEL = '{"model_id":"m","messages":[';
const message = '{"role":"user","content":"x"}';

describe(`a submit function with ${memoryMib} MiB of memory takes the largest bodies, one after the other:`, () => {
  it.each([
    ['a prompt of escapes', `${MODEL}[{"role":"user","content":"`, '\\u00e9', '"}]]}', 202],
    ['a prompt of another alphabet', `${MODEL}[{"role":"user","content":"`, '語', '"}]]}', 202],
    ['many numbers', '{"model_id":"m","messages":[0', ',0', ']}', 400],
    ['a name twice, and many numbers', '{"model_id":"m","model_id":"m","messages":[0', ',0', ']}', 400],
    ['a name twice, many times', '{"model_id":"m","messages":[{}', ',{"a":10,"a":10}', ']}', 400],
    ['a name twice, and many large numbers', '{"a":1,"a":1,"b":[0', ',123456789.12345', ']}', 400],
    ['many messages', `${MODEL}[${message}`, `,${message}`, ']]}', 400],
  ])('%s', async (_what, before, unit, after, status) => {
    const { statusCode, rssMiB } = await submit(requestOf(before, unit, after));
    expect.soft(statusCode).toBe(status);
    expect(rssMiB).toBeLessThan(SHARE * memoryMib);
  });
});
