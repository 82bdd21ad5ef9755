import { describe, expect, it } from 'vitest';
import type { Generation } from '../../functions/core/http/generation-request.ts';
import type { FinishedJob, Job, QueuedJob } from '../../functions/core/job.ts';
import type { LargeJob } from '../../functions/core/parts/parts.ts';
import { asked, objectKeyOf, type Upload } from '../../functions/core/uploads.ts';
import type { CreateResult } from '../../functions/core/upstream/create-result.ts';
import type { Report } from '../../functions/core/upstream/report.ts';
import { cancel } from '../../functions/jobs/cancel.ts';
import { read } from '../../functions/jobs/read.ts';
import { split } from '../../functions/parts/split.ts';
import { FINISHING } from '../../lib/finishing.ts';
import { atOnce, clientsOf } from '../cloud/clients.ts';
import { Cloud } from '../cloud/cloud.ts';
import { failedIn, type Handlers, handlersOf, sqsEvent } from '../cloud/handlers.ts';
import { NOW } from '../cloud/jobs.ts';
import { portsOver } from '../cloud/ports.ts';
import { streamOf } from '../cloud/stream.ts';
import { VirtualTime } from '../cloud/time.ts';
import { fakeWorld } from '../cloud/world.ts';
import { matches } from '../stack/event-pattern.ts';
import { postJob } from './post.ts';

type Asked = Generation & { texts: string[] };

interface Studio {
  /** Of the `nth` create. */
  create?: (asked: Asked, nth: number) => CreateResult | undefined;
  /** Whether a conversation fails, which is given for the `nth` time. */
  fails?: (text: string, nth: number) => boolean;
  seconds?: number;
  result?: (text: string) => string;
}

/** The whole system on a clock of its own, and a ModelStudio that answers each conversation with its own text. */
function scene(
  { create, fails = () => false, seconds = 10, result = (text) => text }: Studio = {},
  settings = {},
) {
  const time = new VirtualTime(NOW);
  const clock = { now: () => time.now };
  let handlers: Handlers | null = null;
  const cloud = new Cloud({
    time,
    handle: async (queue, batch) =>
      failedIn(batch, await (handlers as Handlers)[queue](sqsEvent(queue, batch))),
  });
  const clients = clientsOf(cloud, atOnce);
  const stream = streamOf(cloud.tables.jobs);
  const jobs = new Map<string, { asked: Asked; at: number; nth: number[] }>();
  const given: string[] = [];
  const events: { type: string; data: Record<string, unknown> }[] = [];
  let mostAtOnce = 0;
  let creates = 0;
  const isEnded = ({ at }: { at: number }) => time.now >= at + seconds * 1000;
  const fake = fakeWorld();
  const world = {
    ...fake,
    ...portsOver(cloud, clients, { clock }),
    ...{
      clock,
      openApi: async () => ({ default: {} }),
      sleep: (millis: number) => new Promise<void>((done) => time.after(millis, done)),
    },
    settings: {
      ...fake.settings,
      queueForSeconds: 3600,
      partLimits: { conversations: 4, bytes: 100_000 },
      ...settings,
    },
    modelStudio: {
      async create(generation: Generation): Promise<CreateResult> {
        const texts = generation.messages.map((messages) => String(messages.at(-1)?.content));
        const asked = { ...generation, texts };
        creates += 1;
        const refusal = create?.(asked, creates);
        if (refusal) return refusal;
        given.push(...texts);
        const id = `up-${creates}`;
        const nth = texts.map((text) => given.filter((each) => each === text).length);
        jobs.set(id, { asked, at: time.now, nth });
        mostAtOnce = Math.max(mostAtOnce, [...jobs.values()].filter((job) => !isEnded(job)).length);
        return { kind: 'created', upstreamJobId: id };
      },
      async report({ upstreamJobId }: { upstreamJobId: string }): Promise<Report> {
        const job = jobs.get(upstreamJobId);
        if (!job || !isEnded(job)) return { kind: 'running', completedTasks: 0, unknownState: null };
        const entries = job.asked.texts.map((text, task_index) => {
          const isFailed = fails(text, job.nth[task_index] ?? 1);
          const [status, error] = isFailed ? ['failed', 'no'] : ['completed', null];
          return JSON.stringify({ task_index, status, result: isFailed ? null : result(text), error });
        });
        const failedTasks = entries.filter((entry) => entry.includes('"failed"')).length;
        const results = { json: `[${entries.join(',')}]`, failedTasks, missing: 0, surplus: 0 };
        return { kind: 'completed', results };
      },
    },
    webhooks: {
      async send(_delivery: unknown, body: string) {
        events.push(JSON.parse(body));
        return { kind: 'answered' as const, status: 204, retryAfterSeconds: null };
      },
    },
  };
  handlers = handlersOf(world, async () => undefined);
  /** As long as it takes in virtual time, and in turns of the event loop for what is streamed. */
  const step = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    await time.step();
  };
  const act = <T>(work: () => Promise<T>): Promise<T> =>
    time.govern(async () => {
      let isDone = false;
      const working = work().finally(() => {
        isDone = true;
      });
      while (!isDone) {
        await new Promise((resolve) => setImmediate(resolve));
        if (!isDone) await step();
      }
      return working;
    });
  const run = (seconds: number) =>
    time.govern(async () => {
      const until = time.now + seconds * 1000;
      while (time.next !== null && time.next <= until) await step();
      time.now = until;
    });
  const sweepEachMinute = () =>
    time.after(60_000, () => {
      void handlers?.sweep();
      sweepEachMinute();
    });
  sweepEachMinute();
  const rows = async () => {
    const found = await Promise.all(
      cloud.tables.jobs.keys.map((id) => world.jobs.findRow(id).catch(() => null)),
    );
    return found.filter((row) => row !== null && 'status' in row);
  };
  return {
    world,
    cloud,
    act,
    run,
    given,
    events,
    announced: () =>
      stream.filter((record) => matches(FINISHING, record)).map(({ dynamodb }) => dynamodb.Keys['jobId']?.S),
    rows,
    mostAtOnce: () => mostAtOnce,
    creates: () => creates,
  };
}

type Scene = ReturnType<typeof scene>;

const conversations = (count: number) =>
  Array.from({ length: count }, (_, i) => [{ role: 'user', content: `text ${i}` }]);

async function post({ world, act }: Scene, fields: object, headers = {}) {
  const all = { webhook_url: 'https://hooks.example.com/h', ...fields };
  return act(() => postJob(world, all, 'acme', headers));
}

async function upload({ world, cloud }: Scene, text: string, format: Upload['format'] = 'jsonl') {
  const ask = { uploadId: 'up_1', bytes: Buffer.byteLength(text), format };
  const row = asked(await world.uploads.find('acme'), ask, NOW);
  if ('fullUntil' in row) throw new Error('There is no room');
  await world.uploads.replace(row);
  cloud.objects.set(objectKeyOf(row.uploads['up_1'] as Upload), text);
  return { messages: undefined, messages_from: 'up_1' };
}

const lines = (count: number) =>
  conversations(count)
    .map((messages) => JSON.stringify({ messages, note: 'ignored' }))
    .join('\n');

const texts = (results: unknown) => (results as { result: string }[]).map(({ result }) => result);
const dataIn = ({ events }: Scene): Record<string, unknown> => events[0]?.data ?? {};
const inOrder = (count: number) => Array.from({ length: count }, (_, i) => `text ${i}`);

it('a job of more conversations than one create takes has several parts, one webhook and results in order', async () => {
  const system = scene();
  const { status, job } = await post(system, { messages: conversations(30) });
  expect({ status, job }).toMatchObject({ status: 202, job: { status: 'queued', total_tasks: 30 } });
  await system.run(300);
  expect(system.given.toSorted()).toEqual(inOrder(30).toSorted());
  expect(system.mostAtOnce()).toBe(3);
  expect(system.events.length).toBe(1);
  const [{ type, data } = { type: '', data: {} }] = system.events;
  expect({ type, ...data }).toMatchObject({
    ...{ type: 'job.completed', total_tasks: 30, completed_tasks: 30, failed_tasks: 0 },
  });
  expect(texts(data['results'])).toEqual(inOrder(30));
  expect((data['results'] as { task_index: number }[]).map(({ task_index }) => task_index)).toEqual([
    ...Array(30).keys(),
  ]);
  // Nothing of the parts is left, nor of what was asked.
  const kept = [...system.cloud.objects.keys(), ...system.cloud.tables.documents.keys];
  expect(kept).toEqual([expect.stringMatching(/^events\/job_/)]);
  const left = (await system.rows()).filter((row) => row?.status !== 'deleted');
  expect(left.map((row) => row?.jobId)).toEqual([job.job_id]);
  expect(system.announced()).toEqual([job.job_id]);
});

it('an upload of lines is split, and validated before anything is created', async () => {
  const system = scene();
  const from = await upload(system, lines(10));
  const { job } = await post(system, from);
  expect(job).toMatchObject({ status: 'queued', total_tasks: null, completed_tasks: 0 });
  await system.run(300);
  expect(system.events[0]).toMatchObject({ type: 'job.completed', data: { total_tasks: 10 } });
  expect(texts(system.events[0]?.data['results'])).toEqual(inOrder(10));
});

it('a job that is split twice has one plan, which is deleted with it', async () => {
  const system = scene();
  const { job } = await post(system, await upload(system, lines(10)));
  const row = (await system.world.jobs.find(job.job_id)) as LargeJob;
  await system.act(() => split(row, system.world));
  await system.run(300);
  const kept = [...system.cloud.objects.keys(), ...system.cloud.tables.documents.keys];
  expect(kept.filter((key) => key.startsWith('plans/'))).toEqual([]);
});

it('a conversation that is larger than a part should be goes alone, and its part says so', async () => {
  const system = scene({}, { partLimits: { conversations: 4, bytes: 1000 } });
  const all = lines(10).replace('text 5', 'text 5'.padEnd(2000, '.'));
  await post(system, await upload(system, all));
  const oversized = new Set<number>();
  const { insert } = system.world.jobs;
  system.world.jobs.insert = (row) => {
    if (row.queueing?.isOversized) oversized.add(row.totalTasks);
    return insert(row);
  };
  await system.run(300);
  expect(system.given.length).toBe(10);
  expect([...oversized]).toEqual([1]);
});

it('messages that no brackets divide into conversations are told from conversations', async () => {
  const system = scene();
  const all = JSON.stringify(conversations(2).flat());
  await post(system, await upload(system, all, 'json'));
  await system.run(60);
  const message = expect.stringContaining('this is a single message');
  expect(system.events[0]?.data).toMatchObject({
    error: { details: [0, 1].map((place) => ({ pointer: `/${place}`, message })) },
  });
});

it('an upload with faults ends the job with the place of each, and nothing is created', async () => {
  const system = scene();
  const all = lines(10).split('\n');
  all[2] = '[{"role":"user"}]';
  all[7] = '{"messages":[';
  await post(system, await upload(system, all.join('\n')));
  await system.run(60);
  expect(system.creates()).toBe(0);
  expect(system.events[0]).toMatchObject({
    type: 'job.failed',
    data: {
      error: {
        code: 'invalid_input',
        details: [
          { line: 3, message: '/0/content: Required' },
          { line: 8, message: expect.stringContaining('ends too early') },
        ],
      },
    },
  });
});

it('failed conversations are given again, alone, and say how often they were', async () => {
  const fails = (text: string, nth: number) => /[37]$/.test(text) && nth === 1;
  const system = scene({ fails });
  await post(system, { messages: conversations(20), task_retries: 1 });
  await system.run(300);
  expect(system.given.length).toBe(24);
  const data = dataIn(system);
  expect(data).toMatchObject({ status: 'completed', failed_tasks: 0 });
  expect(texts(data['results'])).toEqual(inOrder(20));
  const again = (data['results'] as { task_index: number; attempts?: number }[]).filter(
    (each) => each.attempts,
  );
  expect(again.map(({ task_index, attempts }) => [task_index, attempts])).toEqual([
    ...[3, 7, 13, 17].map((index) => [index, 2]),
  ]);
});

it('a part that is refused fails its own conversations', async () => {
  const create = ({ texts }: Asked): CreateResult | undefined =>
    texts.includes('text 5') ? { kind: 'invalid', sentence: 'Too rude.' } : undefined;
  const system = scene({ create });
  await post(system, { messages: conversations(12) });
  await system.run(300);
  const data = dataIn(system);
  expect(data).toMatchObject({ status: 'completed', failed_tasks: 4, completed_tasks: 12 });
  const results = data['results'] as { status: string; error: string }[];
  expect(results.map(({ status }) => status === 'failed')).toEqual(
    [...Array(12).keys()].map((i) => i >> 2 === 1),
  );
  expect(results[5]?.error).toContain('Too rude.');
});

it('a model that ModelStudio does not know ends the job as a whole', async () => {
  const system = scene({ create: () => ({ kind: 'model_not_found' }) });
  await post(system, { messages: conversations(12) });
  await system.run(300);
  expect(system.events[0]).toMatchObject({
    type: 'job.failed',
    data: { results: null, error: { code: 'model_not_found' } },
  });
  expect(system.creates()).toBe(1);
});

it('a job of which a part may have been created is not said to have never been submitted', async () => {
  const create = (_: Asked, nth: number): CreateResult =>
    nth === 1 ? { kind: 'unknown', cause: 'timeout' } : { kind: 'unavailable', retryAfterSeconds: null };
  const system = scene({ create });
  await post(system, { messages: conversations(12), queue_for: 100, expires_in: 300 });
  await system.run(700);
  expect(dataIn(system)).toMatchObject({ status: 'expired', results: null, error: { code: 'expired' } });
});

const UNKNOWN: CreateResult = { kind: 'unknown', cause: 'timeout' };
const INVALID: CreateResult = { kind: 'invalid', sentence: null };
const BUSY: CreateResult = { kind: 'unavailable', retryAfterSeconds: null };

describe('a job of which a part was refused only when it was asked for again is not said to have never been submitted', () => {
  const create = (_: Asked, nth: number) => [UNKNOWN, INVALID][nth - 1] ?? BUSY;
  const fields = { on_unknown: 'resubmit', queue_for: 100, expires_in: 300 };

  it('by its next look', async () => {
    const system = scene({ create }, { allowResubmit: true });
    await post(system, { messages: conversations(12), ...fields });
    await system.run(700);
    expect(dataIn(system)).toMatchObject({ status: 'expired', results: null, error: { code: 'expired' } });
  });

  it('even if a worker of an earlier release did not know that', async () => {
    const system = scene({ create }, { allowResubmit: true });
    const { job } = await post(system, { messages: conversations(12), ...fields });
    await system.run(40);
    const row = (await system.world.jobs.find(job.job_id)) as LargeJob;
    const parts = { ...row.parts, begun: 2, open: [1], isTaken: false };
    await system.world.jobs.replace({ ...row, version: row.version + 1, parts });
    const part = (await system.world.jobs.find(`${job.job_id}-0-1`)) as QueuedJob;
    const queueing = { ...part.queueing, until: NOW + 100_000 };
    await system.world.jobs.replace({ ...part, version: part.version + 1, queueing });
    await system.run(700);
    expect(dataIn(system)).toMatchObject({ error: { code: 'expired' } });
  });
});

it('a job of which all parts were refused but one, which may have been created, says so', async () => {
  const system = scene({ create: (_, nth) => (nth === 2 ? UNKNOWN : INVALID) });
  await post(system, { messages: conversations(12) });
  await system.run(700);
  expect(dataIn(system)).toMatchObject({ status: 'failed', error: { code: 'submission_unknown' } });
  expect(system.creates()).toBe(3);
});

it('a job whose first write was answered by nothing goes on, and its client finds it', async () => {
  const system = scene();
  const { replace } = system.world.jobs;
  let writes = 0;
  system.world.jobs.replace = async (row) => {
    const isWritten = await replace.call(system.world.jobs, row);
    writes += 1;
    if (writes === 1) throw new Error('The answer was lost');
    return isWritten;
  };
  const fields = { messages: conversations(12) };
  const headers = { 'idempotency-key': 'k1' };
  await expect(post(system, fields, headers)).rejects.toThrow('The answer was lost');
  const { job } = await post(system, fields, headers);
  await system.run(300);
  expect(dataIn(system)).toMatchObject({ job_id: job.job_id, status: 'completed', failed_tasks: 0 });
  expect(system.creates()).toBe(3);
});

it('parts that are refused for their own sake are followed one at a time, as the next refusal may be of all', async () => {
  const refusals: CreateResult[] = [{ kind: 'invalid', sentence: null }, { kind: 'model_not_found' }];
  const system = scene({ create: (_, nth) => refusals[nth - 1] });
  await post(system, { messages: conversations(40) });
  await system.run(300);
  expect(dataIn(system)).toMatchObject({ status: 'failed', error: { code: 'model_not_found' } });
  expect(system.creates()).toBe(2);
});

it('a job whose first part is not taken in time was never submitted', async () => {
  const system = scene({ create: () => ({ kind: 'unavailable', retryAfterSeconds: null }) });
  await post(system, { messages: conversations(12), queue_for: 100 });
  await system.run(400);
  expect(system.events[0]).toMatchObject({ data: { status: 'failed', error: { code: 'never_submitted' } } });
  expect([...system.cloud.objects.keys()].filter((key) => key.startsWith('requests/'))).toEqual([]);
});

it('a cancelled job creates no other part', async () => {
  const system = scene({ seconds: 1000 });
  const { job } = await post(system, { messages: conversations(40) });
  await system.run(60);
  expect(system.creates()).toBe(3);
  await system.act(() =>
    cancel(
      { headers: {}, body: Buffer.alloc(0) } as never,
      { jobId: job.job_id, client: 'acme' } as never,
      system.world,
    ),
  );
  await system.run(3000);
  expect(system.creates()).toBe(3);
  expect(system.events.map(({ type }) => type)).toEqual(['job.cancelled']);
  const left = (await system.rows()).filter((row) => row?.status !== 'deleted');
  expect(left.length).toBe(1);
});

it('a job that expires has the results of the parts that have ended', async () => {
  const system = scene({ seconds: 20 });
  await post(system, { messages: conversations(40), expires_in: 60 });
  await system.run(200);
  const { type } = system.events[0] ?? {};
  const data = dataIn(system);
  const results = data['results'] as { status: string }[];
  const completed = results.filter(({ status }) => status === 'completed').length;
  expect({ type, error: data['error'] }).toMatchObject({ type: 'job.expired', error: { code: 'expired' } });
  expect(completed).toBeGreaterThan(0);
  expect(results.length - completed).toBe(data['failed_tasks']);
});

it('large results are in the bucket, as an array and as lines', async () => {
  const system = scene({ result: (text) => text.padEnd(20_000, '.') });
  const { job } = await post(system, { messages: conversations(20) });
  await system.run(300);
  expect(system.events[0]?.data).toMatchObject({
    results: null,
    results_url: expect.stringContaining('/results'),
  });
  const row = (await system.world.jobs.find(job.job_id)) as FinishedJob & { results: { key: string } };
  const array = system.cloud.objects.get(row.results.key) ?? '';
  const asLines = system.cloud.objects.get(row.results.key.replace('json', 'jsonl')) ?? '';
  expect(JSON.parse(array).length).toBe(20);
  expect(
    asLines
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual(JSON.parse(array));
});

it('a line about a part says whose it is, and belongs to the trace of that job', async () => {
  const system = scene();
  const { job } = await post(system, { messages: conversations(10) });
  await system.run(300);
  const told = system.world.told.filter((line) => 'job_id' in line);
  const [{ trace_id } = {}] = told.filter(({ job_id }) => job_id === job.job_id);
  const ofParts = told.filter(({ job_id }) => String(job_id).startsWith(`${job.job_id}-`));
  expect(ofParts.length).toBeGreaterThan(5);
  expect(ofParts.filter((line) => line['trace_id'] !== trace_id)).toEqual([]);
  const ends = ofParts.filter(({ stage }) => stage === 'finish' || stage === 'create');
  expect(ends.length).toBe(6);
  expect(ends.filter(({ part_of }) => part_of !== job.job_id)).toEqual([]);
});

it('the parts of a job are nobody’s to see', async () => {
  const system = scene({ seconds: 1000 });
  await post(system, { messages: conversations(40) });
  await system.run(60);
  const parts = (await system.rows()).filter((row) => row && 'partOf' in row) as Job[];
  expect(parts.length).toBe(3);
  const call = { operation: 'job', jobId: parts[0]?.jobId, client: 'acme' };
  const answer = await system.act(() => read({ requestId: 'r' } as never, call as never, system.world));
  expect(answer.status).toBe(404);
  const listed = await system.world.clientJobs.page('acme', '~' as never, '' as never, 100);
  expect(listed.jobs.length).toBe(1);
});
