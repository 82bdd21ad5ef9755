import { Readable } from 'node:stream';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { listKeyOf } from '../../functions/core/http/list-cursor.ts';
import type { LargeJob } from '../../functions/core/parts/parts.ts';
import { NEW_GATE } from '../../functions/core/queue/gate.ts';
import type { Upload } from '../../functions/core/uploads.ts';
import type { World } from '../../functions/ports.ts';
import { apiEvent, sqsEvent } from '../cloud/handlers.ts';
import { DELIVERY } from '../cloud/jobs.ts';
import { NOW, runningJob } from './jobs.ts';
import { stubVariables } from './variables.ts';

/** In the place of what the handlers give a world to, and of the network. */
const flows = vi.hoisted(() => ({
  authorize: vi.fn(),
  submit: vi.fn(),
  answer: vi.fn(),
  poll: vi.fn(),
  deliver: vi.fn(),
  drain: vi.fn(),
  sweep: vi.fn(),
  exchange: vi.fn(),
}));
vi.mock('../../functions/http/authorize.ts', () => flows);
vi.mock('../../functions/submit/submit.ts', () => flows);
vi.mock('../../functions/jobs/jobs.ts', () => flows);
vi.mock('../../functions/poll/poll.ts', () => flows);
vi.mock('../../functions/create/drain.ts', () => flows);
vi.mock('../../functions/deliver/deliver.ts', () => flows);
vi.mock('../../functions/sweep/sweep.ts', () => flows);
vi.mock('../../functions/edge/exchange.ts', () => flows);

const clients = [DynamoDBClient, SQSClient, S3Client, SecretsManagerClient].map((Client) =>
  mockClient(Client as never),
);

/** Of any service. */
const ANSWER = {
  get Body() {
    return Object.assign(Readable.from([]), { transformToString: async () => 'null' });
  },
  SecretString: `whsec_${'A'.repeat(43)}=`,
  Items: [{ jobId: { S: 'job_1' }, listKey: { S: 'a' }, queuePlace: { S: '1/5' } }],
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW });
  stubVariables();
  for (const client of clients) {
    client.reset();
    client.onAnyCommand().resolves(ANSWER as never);
  }
  flows.authorize.mockResolvedValue({ operation: 'list', jobId: '', client: 'acme' });
  for (const answering of [flows.submit, flows.answer])
    answering.mockResolvedValue({ status: 200, headers: {} });
  flows.poll.mockResolvedValue(undefined);
  flows.deliver.mockResolvedValue(null);
  flows.drain.mockResolvedValue(null);
  flows.exchange.mockResolvedValue({ kind: 'not_connected', code: 'ERR_IP_BLOCKED' });
});
afterEach(() => {
  vi.useRealTimers();
  vi.resetModules();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const wakeUp = { seq: 1, token: 'a', dueAt: 0 };
const polled = { recordedToken: 'a', pollsSinceRecord: 0, upstreamJobId: 'up-1', polledAt: 0, isSeen: false };
const poll = { jobId: 'job_1', wakeUp, ...polled };
const deliver = { jobId: 'job_1', wakeUp, attempts: 0 };
const api = apiEvent({ method: 'POST', path: '/v1/jobs', headers: {}, body: '' });
const queued = (name: string, message: object) =>
  sqsEvent(name, [{ message: { body: JSON.stringify(message) }, receives: 1, receiptHandle: 'r' } as never]);

const HANDLERS: [name: string, flow: keyof typeof flows, event: unknown][] = [
  ['submit', 'submit', api],
  ['jobs', 'answer', api],
  ['poll', 'poll', queued('poll', poll)],
  ['collect', 'poll', queued('collect', poll)],
  ['create', 'drain', queued('create', { wakeUp })],
  ['deliver', 'deliver', queued('deliver', deliver)],
  ['sweep', 'sweep', {}],
];

type Settled = { settings: object } & Partial<World>;

/** What the handler gives to its flow. */
async function worldOf(name: string, flow: keyof typeof flows, event: unknown): Promise<Settled> {
  const { handler } = await import(`../../functions/${name}/handler.ts`);
  await handler(event);
  return flows[flow].mock.calls.at(-1)?.at(-1);
}

const job = runningJob({ expiresAt: NOW });
const upload: Upload = {
  ...{ uploadId: 'upload_1', bytes: 1, format: 'json', jobs: [] },
  ...{ since: 1, touchedAt: NOW, until: NOW, lookAt: NOW },
};
const submission = { model_id: 'm', messages: [] } as never;
const large = { ...job, parts: {} } as LargeJob;
async function* texts() {
  yield '{}';
}

type Calls<Port> = {
  [Method in keyof Port as Port[Method] extends (...given: never) => unknown ? Method : never]: (
    port: Port,
  ) => unknown;
};

/** A call of each method of each port that reaches out. */
const CALLS: { [Port in keyof World]?: Calls<NonNullable<World[Port]>> } = {
  jobs: {
    find: (jobs) => jobs.find('job_1'),
    findRow: (jobs) => jobs.findRow('job_1'),
    insert: (jobs) => jobs.insert(job),
    replace: (jobs) => jobs.replace(job),
    remove: (jobs) => jobs.remove(job),
  },
  clientJobs: {
    page: (jobs) => jobs.page('acme', listKeyOf({ ...job, createdAt: NOW + 1 }), listKeyOf(job), 1),
  },
  overdue: { pages: (overdue) => overdue.pages(0, NOW)[Symbol.asyncIterator]().next() },
  queue: {
    isDraining: (queue) => queue.isDraining(),
    arrive: (queue) => queue.arrive('acme'),
    next: (queue) => queue.next(0),
    gate: (queue) => queue.gate(),
    replaceGate: (queue) => queue.replaceGate({ ...NEW_GATE, version: 1 }),
  },
  places: {
    free: (places) => places.free(),
    find: (places) => places.find(1),
    take: (places) => places.take({ number: 1, token: 'a' }, 'job_1'),
    release: (places) => places.release({ number: 1, token: 'a' }),
    list: (places) => places.list(1),
  },
  pacer: { next: (pacer) => pacer.next('acme/hooks.example.com', 1) },
  requests: {
    save: (requests) => requests.save(job, submission),
    load: (requests) => requests.load(job),
    remove: (requests) => requests.remove(job),
  },
  sources: {
    stream: async (sources) => {
      for await (const _ of sources.stream(large)) return;
    },
    read: (sources) => sources.read(large, [[0, 1]]),
  },
  documents: {
    save: (documents) => documents.save('key', '{}'),
    load: (documents) => documents.load({ store: 'table', key: 'key' }),
    remove: (documents) => documents.remove({ store: 'table', key: 'key' }),
    saveAll: (documents) => documents.saveAll('key', 2, texts()),
    setAside: (documents) => documents.setAside('key', Buffer.from('x')),
    link: async (documents) =>
      reach(new URL(await documents.link({ store: 'bucket', key: 'key' }, 60)).hostname),
  },
  uploads: {
    find: (uploads) => uploads.find('acme'),
    replace: (uploads) => uploads.replace({ client: 'acme', version: 1, uploads: {}, leftovers: {} }),
    link: async (uploads) => reach(new URL((await uploads.link(upload, null)).url).hostname),
    isThere: (uploads) => uploads.isThere(upload),
    remove: (uploads) => uploads.remove('uploads/upload_1/0'),
  },
  wakeUps: {
    poll: (wakeUps) => wakeUps.poll(poll, 1),
    collect: (wakeUps) => wakeUps.collect(poll, 1),
    deliver: (wakeUps) => wakeUps.deliver(deliver, 1),
    create: (wakeUps) => wakeUps.create({ wakeUp }, 1),
  },
  modelStudio: {
    create: (modelStudio) => modelStudio.create(submission, job),
    report: (modelStudio) => modelStudio.report(job, { deadlineMillis: 5000, maxBytes: 1 }),
  },
  durationStats: {
    forecast: (stats) =>
      stats.forecast('a').then(({ lagPerPollSeconds }) => reach(`${lagPerPollSeconds} s for a poll`)),
    enroll: (stats) => stats.enroll('b', 1),
    record: (stats) => stats.record('b', 0, 1, { from: 0, to: 1 }),
    throttled: (stats) => stats.throttled(),
  },
  clientKeys: { find: (keys) => keys.find('hash') },
  lanes: {
    look: (lanes) => lanes.look(),
    heldUntil: (lanes) => lanes.heldUntil({ client: 'my-app', url: 'https://hooks.example.com/x' }),
    watch: (lanes) =>
      lanes.watch({ client: 'my-app', url: 'https://hooks.example.com/x' }, async () => {
        vi.setSystemTime(NOW + 5000);
      }),
  },
  webhooks: {
    send: (webhooks) => webhooks.send({ ...DELIVERY, url: 'https://hooks.example.com:9443/x' }, '{}'),
  },
};

/** What of a world reaches nothing. */
const INSIDE = ['clock', 'random', 'log', 'openApi', 'sleep', 'advance'];

let reached: string[] = [];
const reach = (what: string) => void reached.push(what);

/** What a call of a port's method reaches: commands with what they name, URLs, and how long they wait before. */
async function reachedBy(call: () => unknown): Promise<string> {
  reached = [];
  for (const client of clients) client.resetHistory();
  vi.setSystemTime(NOW);
  flows.exchange.mockClear();
  const wait = vi.spyOn(globalThis, 'setTimeout');
  try {
    await call();
  } catch (error) {
    reach((error as Error).message);
  }
  const waits = wait.mock.calls.flatMap(([, millis]) => (millis ? [`after ${millis} ms`] : []));
  wait.mockRestore();
  const commands = clients.flatMap((client) =>
    client.calls().map(({ args: [command] }) => textOf(command as { input: Named })),
  );
  const urls = flows.exchange.mock.calls.map(([{ url, method }]) => `${method} ${url}`);
  return [...commands, ...urls, ...reached, ...waits].join(', ');
}

interface Named {
  [name: string]: unknown;
  RequestItems?: object;
  Item?: { ttl?: { N: string } };
}

/** What a command names, and when that expires. */
function textOf(command: { input: Named }): string {
  const { RequestItems = {}, Item, ...input } = command.input;
  const names = ['TableName', 'IndexName', 'Bucket', 'SecretId', 'VersionStage', 'QueueUrl'];
  const named = [...names.map((name) => input[name]), ...Object.keys(RequestItems)].filter(Boolean);
  const days = Item?.ttl ? ` for ${(Number(Item.ttl.N) - NOW / 1000) / 86_400} days` : '';
  return `${command.constructor.name.replace('Command', '')} ${named.join(' ')}${days}`;
}

it('each function reaches what the golden file says, which `npx vitest run test/edge -u` writes', async () => {
  const paragraphs: string[] = [];
  for (const handler of HANDLERS) {
    vi.resetModules();
    const { settings, ...world } = await worldOf(...handler);
    expect(Object.keys(CALLS)).toEqual(
      expect.arrayContaining(Object.keys(world).filter((name) => !INSIDE.includes(name))),
    );
    const lines = Object.entries(settings).map(
      ([name, value]) => `settings.${name}: ${JSON.stringify(value)}`,
    );
    for (const [port, calls] of Object.entries(CALLS)) {
      const given = world[port as keyof World];
      if (given === undefined) continue;
      for (const [method, call] of Object.entries(calls))
        lines.push(
          `${port}.${method}: ${await reachedBy(() => (call as (port: unknown) => unknown)(given))}`,
        );
    }
    paragraphs.push([handler[0], ...lines.map((line) => `  ${line}`), ''].join('\n'));
  }
  await expect(paragraphs.join('\n')).toMatchFileSnapshot('wiring.golden.txt');
});

it('the default webhook URL is the one that the stack gives', async () => {
  vi.stubEnv('DEFAULT_WEBHOOK_URL', 'https://hooks.example.com/x');
  const { settings } = await worldOf('submit', 'submit', api);
  expect(settings).toMatchObject({ defaultWebhookUrl: 'https://hooks.example.com/x' });
});

it('a fault of the duration stats is logged, and holds up no job', async () => {
  const { durationStats } = await worldOf('poll', 'poll', queued('poll', poll));
  const { logger } = await import('../../functions/edge/log.ts');
  const write = vi.spyOn(logger, 'write').mockReturnValue();
  clients[0]?.onAnyCommand().rejects(new Error('canary'));
  await durationStats?.record('a', 0, 1, { from: 0, to: 1 });
  expect(write.mock.calls.length).toBeGreaterThan(0);
  for (const [line] of write.mock.calls) {
    expect(JSON.parse(line)).toMatchObject({ level: 'WARN', message: 'the duration stats are out of reach' });
    expect(line).not.toContain('canary');
  }
});

it("credentials are those of the function's role, which are temporary", async () => {
  vi.stubEnv('AWS_SESSION_TOKEN', 'token');
  const { defaultProvider } = await import('../../functions/edge/credentials.ts');
  const role = { accessKeyId: 'key', secretAccessKey: 'secret', sessionToken: 'token' };
  expect(await defaultProvider()()).toEqual(role);
});
