import { describe, expect, it } from 'vitest';
import { EVENT_MAX_BYTES } from '../../functions/core/http/view.ts';
import type { FinishedJob, UnfinishedJob } from '../../functions/core/job.ts';
import { ANSWER_MAX_BYTES } from '../../functions/core/limits.ts';
import type { End, Results } from '../../functions/core/upstream/report.ts';
import { finish, startDelivery } from '../../functions/finish/finish.ts';
import {
  NOW,
  OF_JOB_1,
  pendingWebhook,
  runningJob,
  settledWebhook,
  submittingJob,
  wakeUp,
} from '../cloud/jobs.ts';
import { fakeWorld } from '../cloud/world.ts';

const results = (json = '[]', changes: Partial<Results> = {}): Results => ({
  json,
  failedTasks: 0,
  missing: 0,
  surplus: 0,
  ...changes,
});
const completed = (of = results()): End => ({
  status: 'completed',
  completedTasks: 3,
  results: of,
  error: null,
});
const failed = (code: string): End => ({
  status: 'failed',
  completedTasks: 2,
  results: null,
  error: { code, message: 'A sentence.' },
});
const ended = (status: 'cancelled' | 'expired'): End => ({
  status,
  completedTasks: 1,
  results: null,
  error: null,
});

function worldWith(job: UnfinishedJob) {
  const world = fakeWorld();
  world.jobs.rows.set(job.jobId, job);
  return world;
}

/** The results whose event is exactly so many bytes long. */
async function resultsOfEvent(bytes: number, letter: string): Promise<Results> {
  const world = worldWith(runningJob());
  await finish(runningJob(), completed(results('[""]')), world);
  const [empty = ''] = world.documents.contents.values();
  const rest = bytes - Buffer.byteLength(empty);
  const size = Buffer.byteLength(letter);
  return results(`["${letter.repeat(rest / size)}${'x'.repeat(rest % size)}"]`);
}

describe('finish', () => {
  it('writes the event, then the row, and then sends the first delivery', async () => {
    const world = worldWith(runningJob());
    const order: string[] = [];
    const { documents, jobs, wakeUps } = world;
    const [{ save }, { replace }, { deliver }] = [documents, jobs, wakeUps];
    documents.save = async (...given) => save(...given).finally(() => order.push('event'));
    jobs.replace = async (...given) => replace(...given).finally(() => order.push('row'));
    wakeUps.deliver = async (...given) => deliver(...given).finally(() => order.push('message'));
    await finish(runningJob(), completed(), world);
    expect(order).toEqual(['event', 'row', 'message']);
  });

  it('returns the job as it was written, whose row points to the event', async () => {
    const world = worldWith(runningJob());
    const job = await finish(runningJob(), completed(), world);
    expect(job).toEqual(world.jobs.rows.get('job_1'));
    expect(job).toMatchObject({
      status: 'completed',
      completedTasks: 3,
      finishedAt: NOW,
      results: 'in-event',
    });
    expect(job?.event).toEqual({
      store: 'table',
      key: expect.stringMatching(/^events\/job_1\/[0-9a-z]{8}\.json$/),
    });
    expect([...world.documents.contents.keys()]).toEqual([job?.event.key]);
  });

  it('returns null, and logs and sends nothing, when the row has changed since it was read', async () => {
    const world = worldWith(runningJob({ version: 7 }));
    expect(await finish(runningJob(), completed(), world)).toBeNull();
    expect([world.told, world.metrics, world.wakeUps.sent]).toEqual([[], {}, []]);
    expect(world.jobs.rows.get('job_1')).toEqual(runningJob({ version: 7 }));
  });

  it('keeps results that no answer has room for one a line, too', async () => {
    const world = worldWith(runningJob());
    const long = 'é'.repeat(ANSWER_MAX_BYTES / 2);
    const given = { json: `[{"result":"${long}"},\n{"result":\n1}]`, failedTasks: 0, missing: 0, surplus: 0 };
    const job = await finish(runningJob(), completed(given), world);
    const [name] = /[^/]+$/.exec(job?.event.key ?? '') ?? [];
    const apart = { store: 'bucket', key: `results/job_1/${name}` } as const;
    expect(job?.results).toEqual({ ...apart, hasLines: true });
    expect(await world.documents.load(apart)).toBe(given.json);
    const lines = await world.documents.load({ ...apart, key: `${apart.key}l` });
    expect(lines).toBe(`{"result":"${long}"}\n{"result": 1}\n`);
  });

  const sizes: [title: string, bytes: number, letter: string, isApart: boolean][] = [
    ['puts the results into an event that is just as large as it may be', EVENT_MAX_BYTES, 'x', false],
    ['keeps the results apart from an event that would be one byte larger', EVENT_MAX_BYTES + 1, 'x', true],
    ['goes by the bytes of an event and not by its letters', EVENT_MAX_BYTES + 1, 'é', true],
  ];
  it.each(sizes)('%s', async (_title, bytes, letter, isApart) => {
    const world = worldWith(runningJob());
    const given = await resultsOfEvent(bytes, letter);
    const job = await finish(runningJob(), completed(given), world);
    const event = JSON.parse(await world.documents.load(job?.event as FinishedJob['event']));
    const url = 'https://api.example.com/v1/jobs/job_1/results';
    expect(event.data.results_url).toBe(isApart ? url : null);
    expect(event.data.results).toEqual(isApart ? null : JSON.parse(given.json as string));
    const [name] = /[^/]+$/.exec(job?.event.key ?? '') ?? [];
    const apart = { store: 'bucket', key: `results/job_1/${name}` } as const;
    expect(job?.results).toEqual(isApart ? { ...apart, isShort: true } : 'in-event');
    if (isApart) expect(await world.documents.load(apart)).toBe(given.json);
  });

  it.each([
    [EVENT_MAX_BYTES - 1024, false],
    [EVENT_MAX_BYTES - 1023, true],
  ])("leaves room for attributes in a destination's event: %d bytes", async (bytes, isApart) => {
    const running = runningJob({ webhook: pendingWebhook({ url: 'orders', destination: true }) });
    const job = await finish(running, completed(await resultsOfEvent(bytes, 'x')), worldWith(running));
    expect(job?.results === 'in-event').toBe(!isApart);
  });

  const cases: [what: string, job: UnfinishedJob, end: End, told: object, metrics: object][] = [
    [
      'a job that completed',
      runningJob({ expectedWakeUp: wakeUp(4) }),
      completed(),
      { outcome: 'completed', completed_tasks: 3, failed_tasks: 0 },
      { JobsCompleted: 1, PollsPerJob: 4 },
    ],
    [
      'a job with results that failed, are missing or are too many',
      runningJob(),
      completed(results('[]', { failedTasks: 2, missing: 1, surplus: 5 })),
      { outcome: 'completed', completed_tasks: 3, failed_tasks: 2 },
      { JobsCompleted: 1, PollsPerJob: 1, ResultsMissing: 1, ResultsSurplus: 5 },
    ],
    [
      'a job that failed',
      runningJob(),
      failed('modelstudio_job_failed'),
      { outcome: 'failed', completed_tasks: 2, failed_tasks: 0, cause: 'modelstudio_job_failed' },
      { JobsFailed: 1, PollsPerJob: 1 },
    ],
    [
      'a job that was cancelled',
      runningJob(),
      ended('cancelled'),
      { outcome: 'cancelled', completed_tasks: 1, failed_tasks: 0 },
      { JobsCancelled: 1, PollsPerJob: 1 },
    ],
    [
      'a job that expired',
      runningJob(),
      ended('expired'),
      { outcome: 'expired', completed_tasks: 1, failed_tasks: 0 },
      { JobsExpired: 1, PollsPerJob: 1 },
    ],
    [
      'a submission of which nobody knows',
      submittingJob(),
      failed('submission_unknown'),
      { outcome: 'failed', completed_tasks: 2, failed_tasks: 0, cause: 'submission_unknown' },
      { JobsFailed: 1, UnknownSubmissions: 1 },
    ],
    [
      'results that are too large',
      runningJob(),
      failed('results_too_large'),
      { outcome: 'failed', completed_tasks: 2, failed_tasks: 0, cause: 'results_too_large' },
      { JobsFailed: 1, PollsPerJob: 1, ResultsTooLarge: 1 },
    ],
    [
      'results that cannot be read',
      runningJob(),
      failed('results_unreadable'),
      { outcome: 'failed', completed_tasks: 2, failed_tasks: 0, cause: 'results_unreadable' },
      { JobsFailed: 1, PollsPerJob: 1, ResultsUnreadable: 1 },
    ],
  ];
  it.each(cases)('logs one line and adds to the metrics for %s', async (_what, job, end, told, metrics) => {
    const world = worldWith(job);
    await finish(job, end, world);
    const always = { ...OF_JOB_1, client: 'acme', model_id: 'm', total_tasks: 3, age_seconds: 10 };
    expect(world.told).toEqual([{ stage: 'finish', ...always, ...told }]);
    expect(world.metrics).toEqual({ JobSeconds: 10, ...metrics });
  });
});

describe('the first delivery', () => {
  it('is due after the first wait of the schedule', async () => {
    const world = worldWith(runningJob());
    world.settings.webhookSchedule = [30, 60];
    const job = await finish(runningJob(), completed(), world);
    const first = { seq: 1, token: expect.any(String), dueAt: NOW + 30_000 };
    expect(job?.webhook).toEqual(pendingWebhook({ expectedWakeUp: first }));
    const message = { jobId: 'job_1', wakeUp: first, attempts: 0 };
    expect(world.wakeUps.sent).toEqual([{ queue: 'deliver', message, delaySeconds: 30 }]);
  });

  it('is sent again as the same wake-up, with what is left of its wait', async () => {
    const world = worldWith(runningJob());
    world.settings.webhookSchedule = [30, 60];
    const job = (await finish(runningJob(), completed(), world)) as FinishedJob;
    world.clock.time += 12_000;
    await startDelivery(job, world);
    const [first, again] = world.wakeUps.sent;
    expect(again).toEqual({ ...first, delaySeconds: 18 });
  });

  it.each([
    ['is null', null],
    ['expects no wake-up', pendingWebhook({ expectedWakeUp: null })],
    ['has had an attempt', pendingWebhook({ attempts: 1, expectedWakeUp: wakeUp(2) })],
    ['is delivered', settledWebhook('delivered')],
  ])('is not sent for a job whose webhook %s', async (_what, webhook) => {
    const world = worldWith(runningJob());
    const job = (await finish(runningJob({ webhook: null }), completed(), world)) as FinishedJob;
    await startDelivery({ ...job, webhook }, world);
    expect(world.wakeUps.sent).toEqual([]);
  });
});
