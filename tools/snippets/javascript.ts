import { literal, type Notation, quoted } from './literal.ts';
import type { Parts, Templates } from './template.ts';

export const javascript = { submit, read, receive } satisfies Templates;

export const JAVASCRIPT_NOTATION: Notation = {
  string: javascriptString,
  key: javascriptKey,
  words: { true: 'true', false: 'false', null: 'null' },
  indent: '  ',
  bracePadding: ' ',
  trailingComma: ',',
};

/** In single quotes, unless there is one in it. */
export function javascriptString(text: string): string {
  const inDoubles = quoted(text);
  return text.includes("'") ? inDoubles : `'${inDoubles.slice(1, -1).replaceAll('\\"', '"')}'`;
}

/** `{ __proto__: 'x' }` would set no property. */
function javascriptKey(name: string): string {
  if (name === '__proto__') return "['__proto__']";
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : javascriptString(name);
}

function submit({ jobsUrl, request }: Parts): string {
  return `// CLIENT_KEY=msj_… node submit.mjs
import { randomUUID } from 'node:crypto';

const request = ${literal(request, JAVASCRIPT_NOTATION)};

const response = await fetch(${javascriptString(jobsUrl)}, {
  method: 'POST',
  headers: {
    Authorization: \`Bearer \${process.env.CLIENT_KEY}\`,
    'Content-Type': 'application/json',
    // With an IDEMPOTENCY_KEY of yours, run it again after a timeout, a 500 or a 503: it gets the same job.
    'Idempotency-Key': process.env.IDEMPOTENCY_KEY ?? randomUUID(),
  },
  body: JSON.stringify(request),
  signal: AbortSignal.timeout(35_000),
});
if (!response.ok) throw new Error(\`\${response.status} \${await response.text()}\`);

const job = await response.json();
console.log(job.job_id, job.status);
`;
}

function read({ jobsUrl }: Parts): string {
  return `// CLIENT_KEY=msj_… JOB_ID=job_… node read.mjs
import { setTimeout as sleep } from 'node:timers/promises';

async function get(url) {
  const response = await fetch(url, {
    headers: { Authorization: \`Bearer \${process.env.CLIENT_KEY}\` },
    signal: AbortSignal.timeout(35_000),
  });
  if (!response.ok) throw new Error(\`\${response.status} \${await response.text()}\`);
  return response;
}

async function finished(jobId) {
  for (;;) {
    const response = await get(${javascriptString(`${jobsUrl}/`)} + jobId);
    const job = await response.json();
    if (job.status !== 'submitting' && job.status !== 'running') return job;
    await sleep(1000 * Number(response.headers.get('Retry-After') ?? 1));
  }
}

const job = await finished(process.env.JOB_ID);
// Large results are not in the job, but behind a URL.
if (job.results_url) job.results = await (await get(job.results_url)).json();
console.log(JSON.stringify(job, null, 2));
`;
}

function receive(): string {
  return `// WEBHOOK_SECRET=whsec_… PORT=3000 node receive.mjs
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const TOLERANCE_SECONDS = 300;
const BODY_MAX_BYTES = 1024 * 1024;

const secret = Buffer.from((process.env.WEBHOOK_SECRET ?? '').replace(/^whsec_/, ''), 'base64');
if (secret.length === 0) throw new Error('WEBHOOK_SECRET is not set');

// In more than one process, a table with a unique key takes its place.
const seen = new Set();

function isGenuine(headers, body) {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers;
  if (!id || !signatures) return false;
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= TOLERANCE_SECONDS)) return false;
  const hmac = createHmac('sha256', secret).update(\`\${id}.\${timestamp}.\`).update(body);
  const expected = Buffer.from(\`v1,\${hmac.digest('base64')}\`);
  // While the secret is being changed, there are two signatures.
  return signatures.split(' ').some((signature) => {
    const given = Buffer.from(signature);
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

async function bodyOf(request) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > BODY_MAX_BYTES) throw new Error('The body is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const server = createServer(async (request, response) => {
  try {
    const body = await bodyOf(request);
    if (!isGenuine(request.headers, body)) {
      console.error('Refused: it is old, or was not signed with this WEBHOOK_SECRET');
      return response.writeHead(400).end();
    }
    const event = JSON.parse(body);
    const id = request.headers['webhook-id'];
    const isFirst = !seen.has(id);
    seen.add(id);
    // Answer within 15 s, and work afterwards. What must survive a crash is to be stored before this line.
    response.writeHead(204).end();
    if (isFirst) await work(event);
  } catch (error) {
    console.error(error);
    if (!response.headersSent) response.writeHead(400, { Connection: 'close' }).end();
  }
});

async function work({ type, data }) {
  console.log(type, data.job_id, JSON.stringify(data.results ?? data.results_url));
}

server.listen(process.env.PORT ?? 3000, () => console.log('Listening on port', server.address().port));
`;
}
