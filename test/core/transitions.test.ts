import { describe, expect, it } from 'vitest';
import type { Job, PendingJob, PendingWebhook, WakeUp } from '../../functions/core/job.ts';
import type { PollMessage } from '../../functions/core/messages.ts';
import { deleted, erased } from '../../functions/core/retention.ts';
import {
  accepted,
  adopted,
  attempted,
  awaiting,
  claimed,
  ended,
  finished,
  isNews,
  nextWakeUp,
  polled,
  redelivered,
  released,
  rescued,
  settled,
  started,
} from '../../functions/core/transitions.ts';
import type { End } from '../../functions/core/upstream/report.ts';
import {
  attempt,
  finishedJob,
  NOW,
  pendingWebhook,
  pollMessage,
  runningJob,
  settledWebhook,
  submittingJob,
  wakeUp,
} from '../cloud/jobs.ts';

const MINUTE = 60_000;
const LATER = NOW + 10 * MINUTE;
const RANDOM = new Uint8Array(16);
const TOKEN = '00000000';

/** A row that is written keeps its watch of 15 minutes as long as that ends five minutes after the wake-up is due. */
const WATCH = NOW + 15 * MINUTE;
const soon = wakeUp(2, 'u', NOW + MINUTE);
const far = wakeUp(2, 'u', NOW + 12 * MINUTE);

const pending = (changes: Partial<PendingWebhook> = {}) =>
  finishedJob({ webhook: pendingWebhook({ expectedWakeUp: wakeUp(1), ...changes }) }) as PendingJob;
const elsewhere = { url: 'https://other.example.com' };

const submission = {
  jobId: 'job_1',
  client: 'acme',
  modelId: 'm',
  totalTasks: 3,
  metadata: { order: '7' },
  fingerprint: 'f',
  expiresAt: NOW + 60 * MINUTE,
};
const startOf = (first: WakeUp) => ({ ...pollMessage(1, 't', { isSeen: false }), wakeUp: first });
const untried = pendingWebhook({ id: 'msg_7' });
const { id, url } = untried;

/** What is left of a job in every state, in the version that follows. */
function keptOf({ jobId, client, modelId, totalTasks, metadata, fingerprint, createdAt, expiresAt }: Job) {
  return { jobId, client, modelId, totalTasks, metadata, fingerprint, createdAt, expiresAt };
}
const next = (job: Job, at = NOW) => ({ ...keptOf(job), updatedAt: at, version: job.version + 1 });

const completed = { status: 'completed', completedTasks: 3, error: null } as const;
const failed = { status: 'failed', completedTasks: 2, error: { code: 'c', message: 'm' } } as const;
const results = { json: '[]', failedTasks: 1, missing: 0, surplus: 0 };
const documents = { event: { store: 'bucket', key: 'events/job_1/b.json' }, results: null } as const;
const ofRunning = { completedTasks: 0, isSeen: true, doubt: null };
const tried = attempt({ attempt: 4, status: 500, nextAttemptAt: LATER });
const doubt = { about: 'gaps', since: NOW } as const;

/** Each is the whole of what comes of a transition. */
const tombstone = {
  ...{ jobId: 'job_1', client: 'acme', modelId: 'm', totalTasks: 3 },
  ...{ createdAt: NOW - 10_000, finishedAt: NOW, updatedAt: LATER, version: 3 },
  status: 'deleted' as const,
};

const CASES: [what: string, after: object, expected: object][] = [
  [
    'accepted: a job that nobody has been asked to create holds the lease of its submission',
    accepted({ ...submission, webhook: { id, url } }, NOW),
    {
      ...submission,
      status: 'submitting',
      createdAt: NOW,
      updatedAt: NOW,
      version: 1,
      wakeUpDeadline: WATCH,
      leaseUntil: NOW + MINUTE,
      webhook: untried,
    },
  ],
  [
    'started: its first wake-up is within the watch',
    started(submittingJob(), startOf(soon), true, NOW),
    {
      ...runningJob({ ...next(submittingJob()), expectedWakeUp: soon, wakeUpDeadline: WATCH, isSeen: false }),
    },
  ],
  [
    'started: its first wake-up is so late that the watch is renewed',
    started(submittingJob(), startOf(far), true, NOW),
    runningJob({
      ...next(submittingJob()),
      expectedWakeUp: far,
      wakeUpDeadline: NOW + 27 * MINUTE,
      isSeen: false,
    }),
  ],
  [
    'started: its first wake-up could not be sent, so the sweeper comes when it would be due',
    started(submittingJob(), startOf(soon), false, NOW),
    runningJob({
      ...next(submittingJob()),
      expectedWakeUp: soon,
      wakeUpDeadline: NOW + MINUTE,
      isSeen: false,
    }),
  ],
  [
    'adopted: a message knows what the submit function could not write down',
    adopted(submittingJob(), pollMessage(1, 't', { isSeen: false })),
    runningJob({ isSeen: false }),
  ],
  [
    'adopted: a message knows that ModelStudio has reported on the job',
    adopted(runningJob({ isSeen: false, doubt }), pollMessage()),
    runningJob({ doubt }),
  ],
  [
    'adopted: a row knows that ModelStudio has reported on the job',
    adopted(runningJob(), pollMessage(1, 't', { isSeen: false })),
    runningJob(),
  ],
  [
    'adopted: nobody knows whether ModelStudio has reported on the job',
    adopted(runningJob({ isSeen: false }), pollMessage(1, 't', { isSeen: false })),
    runningJob({ isSeen: false }),
  ],
  [
    'adopted: a row that does not speak of doubt has none',
    adopted({ ...runningJob(), doubt: undefined as never }, pollMessage()),
    runningJob(),
  ],
  [
    'polled: ModelStudio has reported progress',
    polled(runningJob({ isSeen: false }), { completedTasks: 2, isSeen: true, doubt }, soon, NOW),
    runningJob({ ...next(runningJob()), completedTasks: 2, progressAt: NOW, doubt, expectedWakeUp: soon }),
  ],
  [
    'polled: ModelStudio has reported no more progress',
    polled(
      runningJob({ completedTasks: 2, progressAt: NOW - MINUTE }),
      { ...ofRunning, completedTasks: 2 },
      soon,
      NOW,
    ),
    runningJob({ ...next(runningJob()), completedTasks: 2, progressAt: NOW - MINUTE, expectedWakeUp: soon }),
  ],
  [
    'polled: another chain has written down more progress meanwhile',
    polled(runningJob({ completedTasks: 3 }), { ...ofRunning, completedTasks: 2 }, far, NOW),
    runningJob({
      ...next(runningJob()),
      completedTasks: 3,
      expectedWakeUp: far,
      wakeUpDeadline: NOW + 27 * MINUTE,
    }),
  ],
  [
    'rescued: the sweeper has sent a wake-up in place of a lost one',
    rescued(runningJob({ wakeUpDeadline: NOW }), wakeUp(2, 'u'), NOW),
    runningJob({ ...next(runningJob()), expectedWakeUp: wakeUp(2, 'u'), wakeUpDeadline: WATCH }),
  ],
  [
    'ended: what is told of a job that has completed',
    ended(runningJob({ doubt }), { ...completed, results }, LATER),
    { ...next(runningJob(), LATER), ...completed, failedTasks: 1, finishedAt: LATER, wakeUpDeadline: WATCH },
  ],
  [
    'ended: what is told of a job that nobody knows to be created',
    ended(submittingJob(), { ...failed, results: null }, NOW),
    { ...next(submittingJob()), ...failed, failedTasks: 0, finishedAt: NOW, wakeUpDeadline: WATCH },
  ],
  [
    'finished: its webhook awaits the first attempt, which is so late that the watch is renewed',
    finished(
      ended(runningJob(), { ...completed, results }, NOW),
      documents,
      pendingWebhook({ expectedWakeUp: far }),
    ),
    finishedJob({
      ...next(runningJob()),
      ...completed,
      failedTasks: 1,
      finishedAt: NOW,
      ...documents,
      wakeUpDeadline: NOW + 27 * MINUTE,
      webhook: pendingWebhook({ expectedWakeUp: far }),
    }),
  ],
  [
    'finished: without a webhook, nothing is awaited',
    finished(ended(runningJob(), { ...failed, results: null }, LATER), documents, null),
    finishedJob({
      ...next(runningJob(), LATER),
      ...failed,
      finishedAt: LATER,
      ...documents,
      wakeUpDeadline: WATCH,
      webhook: null,
    }),
  ],
  [
    'awaiting: the next hop is sent',
    awaiting(pending(), far, NOW),
    { ...pending({ expectedWakeUp: far }), ...next(pending()), wakeUpDeadline: NOW + 27 * MINUTE },
  ],
  [
    'claimed: an attempt has the webhook to itself for a minute',
    claimed(pending(), NOW),
    { ...pending({ leaseUntil: NOW + MINUTE }), ...next(pending()) },
  ],
  [
    'claimed: a webhook that awaits no message is looked after as long as its lease lasts',
    claimed(pending({ expectedWakeUp: null }), NOW),
    { ...pending({ expectedWakeUp: null, leaseUntil: NOW + MINUTE }), ...next(pending()) },
  ],
  [
    'claimed: towards its end, the watch is renewed from the end of the lease on',
    claimed(pending(), LATER),
    {
      ...pending({ leaseUntil: LATER + MINUTE }),
      ...next(pending(), LATER),
      wakeUpDeadline: LATER + 16 * MINUTE,
    },
  ],
  [
    'released: the attempt was not made, so its message may come again at once',
    released(pending({ leaseUntil: NOW + MINUTE }), NOW),
    { ...pending(), ...next(pending()) },
  ],
  [
    'attempted: the receiver was down, and the next wake-up is sent',
    attempted(pending({ attempts: 3, leaseUntil: NOW + MINUTE, log: [attempt()] }), tried, far, NOW),
    {
      ...pending({ attempts: 4, expectedWakeUp: far, log: [attempt(), tried] }),
      ...next(pending()),
      wakeUpDeadline: NOW + 27 * MINUTE,
    },
  ],
  [
    'settled: nothing more is awaited',
    settled(
      pending({ attempts: 3, leaseUntil: LATER }),
      attempt({ attempt: 4 }),
      { status: 'delivered', lastSeq: 9 },
      NOW,
    ),
    {
      ...finishedJob(),
      ...next(pending()),
      webhook: settledWebhook('delivered', { attempts: 4, lastSeq: 9, log: [attempt({ attempt: 4 })] }),
    },
  ],
  [
    'redelivered: a webhook that has settled begins a round after its last wake-up',
    redelivered(
      finishedJob(),
      settledWebhook('exhausted', { attempts: 7, lastSeq: 9 }),
      RANDOM,
      LATER + MINUTE,
    ),
    {
      ...pending({
        attempts: 7,
        attemptsBefore: 7,
        expectedWakeUp: wakeUp(10, TOKEN, LATER + MINUTE),
        log: [attempt()],
        redelivered: { rounds: 1, at: LATER + MINUTE },
      }),
      ...next(pending(), LATER + MINUTE),
      wakeUpDeadline: LATER + 16 * MINUTE,
    },
  ],
  [
    'redelivered: a webhook that awaits an attempt need not wait, and may go elsewhere',
    redelivered(
      finishedJob(),
      pendingWebhook({ ...elsewhere, attempts: 2, expectedWakeUp: far, redelivered: { rounds: 4, at: 0 } }),
      RANDOM,
      NOW,
    ),
    {
      ...pending({
        ...elsewhere,
        attempts: 2,
        attemptsBefore: 2,
        expectedWakeUp: wakeUp(3, TOKEN),
        redelivered: { rounds: 5, at: NOW },
      }),
      ...next(pending()),
    },
  ],
  [
    'redelivered: a chain that has no wake-up begins',
    redelivered(finishedJob(), pendingWebhook(), RANDOM, NOW),
    {
      ...pending({ expectedWakeUp: wakeUp(1, TOKEN), redelivered: { rounds: 1, at: NOW } }),
      ...next(pending()),
    },
  ],
  [
    'redelivered: its first attempt may have to wait',
    redelivered(finishedJob(), settledWebhook('gone', { lastSeq: 1 }), RANDOM, NOW, LATER + MINUTE),
    {
      ...pending({
        attempts: 1,
        attemptsBefore: 1,
        expectedWakeUp: wakeUp(2, TOKEN, LATER + MINUTE),
        log: [attempt()],
        redelivered: { rounds: 1, at: NOW },
      }),
      ...next(pending()),
      wakeUpDeadline: LATER + 16 * MINUTE,
    },
  ],
  [
    'deleted: keeps what its place needs, and where its documents are',
    deleted(
      finishedJob({
        ...{ webhook: settledWebhook('delivered'), metadata: { a: 'b' }, submissions: 2 },
        place: { number: 3, token: 'p', upstreamJobId: 'up-1' },
        results: { store: 'bucket', key: 'results/job_1/a.json' },
      }),
      LATER,
    ),
    {
      ...tombstone,
      ...{ submissions: 2, place: { number: 3, token: 'p', upstreamJobId: 'up-1' } },
      leftovers: [
        { store: 'table', key: 'events/job_1/a.json' },
        { store: 'bucket', key: 'results/job_1/a.json' },
        { store: 'bucket', key: 'unreadable/job_1.json' },
      ],
    },
  ],
  [
    'erased: forgets where they were',
    erased({ ...tombstone, leftovers: [] }, LATER + 1),
    { ...tombstone, updatedAt: LATER + 1, version: 4 },
  ],
];

describe('the next version of a row', () => {
  it.each(CASES)('is made as the table says: %s', (_what, after, expected) => {
    expect(after).toEqual(expected);
  });

  it('may have no webhook', () => {
    expect(accepted({ ...submission, webhook: null }, NOW).webhook).toBeNull();
  });

  it('keeps the latest hundred of any number of attempts', () => {
    const log = Array.from({ length: 100 }, (_, i) => attempt({ attempt: i + 1 }));
    const { webhook } = attempted(pending({ log }), attempt({ attempt: 101 }), soon, NOW);
    expect([webhook.log.length, webhook.log[0]?.attempt, webhook.log[99]?.attempt]).toEqual([100, 2, 101]);
  });
});

describe('what a later release has added is carried along', () => {
  const more = { more: { destination: 'd' } };
  const running = { ...runningJob(), ...more };
  const waiting = { ...pending(), ...more } as PendingJob;
  const aFew: End = { ...completed, results };

  it.each<[what: string, after: object]>([
    ['started', started({ ...submittingJob(), ...more }, startOf(soon), true, NOW)],
    ['adopted', adopted({ ...submittingJob(), ...more }, pollMessage(1))],
    ['polled', polled(running, ofRunning, soon, NOW)],
    ['rescued', rescued(running, soon, NOW)],
    ['ended', ended(running, aFew, NOW)],
    ['finished', finished(ended(running, aFew, NOW), documents, null)],
    ['awaiting', awaiting(waiting, soon, NOW)],
    ['claimed', claimed(waiting, NOW)],
    ['released', released(waiting, NOW)],
    ['attempted', attempted(waiting, tried, soon, NOW)],
    ['settled', settled(waiting, tried, { status: 'gone', lastSeq: 3 }, NOW)],
    ['redelivered', redelivered(waiting, waiting.webhook, RANDOM, NOW)],
  ])('by a job that is %s', (_what, after) => {
    expect(after).toMatchObject(more);
  });

  it('by its webhook, too', () => {
    const webhook = { ...waiting.webhook, ...more };
    const job = { ...waiting, webhook };
    const done = settled(job, tried, { status: 'gone', lastSeq: 3 }, NOW);
    for (const { webhook } of [
      claimed(job, NOW),
      attempted(job, tried, soon, NOW),
      done,
      redelivered(done, { ...settledWebhook('gone'), ...more }, RANDOM, NOW),
    ])
      expect(webhook).toMatchObject(more);
  });
});

describe('a wake-up', () => {
  it.each([
    ['is the first', null, 1],
    ['follows another', wakeUp(4, 'x'), 5],
  ])('%s', (_what, last, seq) => {
    expect(nextWakeUp(last, LATER, RANDOM)).toEqual({ seq, token: TOKEN, dueAt: LATER });
  });
});

describe('whether a poll is worth a write is decided', () => {
  it.each([
    ['never, within the watch', {}, false],
    ['when a task has been done', { completedTasks: 1 }, true],
    ['when a doubt arises', { doubt }, true],
    ['when the watch is renewed', { wakeUpDeadline: LATER }, true],
    ['but not for a wake-up', { expectedWakeUp: soon, version: 3, isSeen: false }, false],
  ])('by what has changed: %s', (_what, changes, expected) => {
    expect(isNews(runningJob(), runningJob(changes))).toBe(expected);
  });

  it('by whether a doubt gives way to another, and not by its age', () => {
    const before = runningJob({ doubt });
    expect(isNews(before, runningJob({ doubt: { ...doubt, about: 'missing' } }))).toBe(true);
    expect(isNews(before, runningJob({ doubt: { ...doubt, since: LATER } }))).toBe(false);
  });
});

it.each<[what: string, message: Partial<PollMessage>, startedAt: number]>([
  ['as its message says', { polledAt: NOW - 1000, startedAt: NOW - 20_000 }, NOW - 20_000],
  ['when it was last polled, by a message of an earlier release', { polledAt: NOW - 1000 }, NOW - 1000],
])('a job that has waited began %s, if nobody had written that down', (_what, message, startedAt) => {
  const waited = { ...submittingJob(), queueing: { until: NOW, turn: 1 } };
  expect(adopted(waited, pollMessage(2, 't', message)).startedAt).toBe(startedAt);
});
