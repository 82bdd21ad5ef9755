import { describe, expect, it } from 'vitest';
import {
  AGAIN_FOR_LATER_SECONDS,
  ATTEMPT_DEADLINE_MILLIS,
  ATTEMPT_LEASE_MILLIS,
  AWS_CALL_MILLIS,
  AWS_TRIES,
  AWS_TRY_MILLIS,
  againSeconds,
  CREATE_DEADLINE_MILLIS,
  DOCUMENT_EXTRA_DAYS,
  DRAIN_LEASE_MILLIS,
  DRAIN_MILLIS,
  DURATIONS_CALL_MILLIS,
  FORGET_MILLIS,
  LONGEST_JOB_SECONDS,
  RECEIVES_MAX,
  REPORT_LIMITS,
  ROUND_MAX_DAYS,
  SUBMIT_LEASE_MILLIS,
  SWEEP_MILLIS,
} from '../../functions/core/limits.ts';
import {
  DEADLINE_EXTENSION_MILLIS,
  EXPIRY_GRACE_MILLIS,
  LEFT_MILLIS,
  LOST_AFTER_MILLIS,
} from '../../functions/core/polling/overdue.ts';
import { LINGER_MILLIS } from '../../functions/core/queue/gate.ts';
import { afterAttempt, firstWaitMillis } from '../../functions/core/webhook/attempt.ts';
import { FIRST_WAIT_MAX_SECONDS } from '../../functions/create/create.ts';
import { ALARMS } from '../../lib/monitoring/alarms.ts';
import { readSettings } from '../../lib/settings/read-settings.ts';
import { synthesize } from './synthesis.ts';

const DAY = 86_400;
const template = synthesize();

/** The properties of a resource of the stack, by the beginning of its id. */
function propertiesOf(type: string, id: RegExp) {
  const [found, ...others] = Object.entries(template.findResources(type)).filter(([name]) => id.test(name));
  if (!found || others.length > 0) throw new Error(`The stack has no ${type} called ${id}, or several`);
  return found[1]['Properties'];
}

const runs = (id: RegExp): number => propertiesOf('AWS::Lambda::Function', id).Timeout;
const submit = runs(/^ApiSubmit/);
const poller = runs(/^PollPoller/);
const collector = runs(/^PollCollector/);
const deliverer = runs(/^DeliverFunction/);
const sweeper = runs(/^SweepFunction/);
const reader = runs(/^ApiJobs/);
const creator = runs(/^CreateFunction/);

const queues = (['Poll', 'Collect', 'Deliver', 'Create'] as const).map((name) => {
  const id = name === 'Collect' ? 'PollCollect' : name;
  const queue = propertiesOf('AWS::SQS::Queue', new RegExp(`^${id}Queue`));
  const deadLetters = propertiesOf('AWS::SQS::Queue', new RegExp(`^${id}DeadLetters`));
  const receives: number = queue.RedrivePolicy.maxReceiveCount;
  const hidden: number = queue.VisibilityTimeout;
  /** From the first failure on, until the message is set aside. */
  const dying = Array.from({ length: receives }, (_, i) => againSeconds(i + 1) ?? hidden).reduce(
    (a, b) => a + b,
  );
  return {
    name,
    hidden,
    dying,
    kept: queue.MessageRetentionPeriod,
    keptAside: deadLetters.MessageRetentionPeriod,
  };
});
const queueNamed = (name: string) => queues.find((queue) => queue.name === name) ?? queues[0];
/** From the first receive of what a later release wrote, until it is set aside. */
const left = Array.from(
  { length: RECEIVES_MAX },
  (_, i) => againSeconds(i + 1) ?? AGAIN_FOR_LATER_SECONDS,
).reduce((a, b) => a + b);
const agains = Array.from({ length: RECEIVES_MAX }, (_, i) => againSeconds(i + 1) ?? 0);

const awsCall = AWS_CALL_MILLIS / 1000;
/** The SDK waits up to 100 ms, then up to 200 ms. */
const PAUSES_MILLIS = 300;
const awsTries = (millis: number) => (AWS_TRIES * millis + PAUSES_MILLIS) / 1000;
const largestWrite = awsTries(AWS_TRY_MILLIS + (128 * 2 ** 20) / 10_000);

const retentionMin = 8 * DAY;
const lifecycle: { Prefix?: string; ExpirationInDays: number }[] = propertiesOf(
  'AWS::S3::Bucket',
  /^StateBucket/,
).LifecycleConfiguration.Rules;
const daysIn = (prefix: string) => lifecycle.find(({ Prefix }) => Prefix === prefix)?.ExpirationInDays ?? 0;
const bucketDays = Math.min(...['events/', 'results/', 'unreadable/'].map(daysIn));
const retentionDays = Number(
  propertiesOf('AWS::Lambda::Function', /^DeliverFunction/).Environment.Variables.RETENTION_DAYS,
);
const longestJob = 604_800;
const oldestMessage = ALARMS.find(({ name }) => name === 'oldest-message');

/** The longest schedule that the settings take, every wait of it jittered up or raised by `Retry-After`. */
function longestRound(): number {
  const schedule = [5 * DAY, ...Array<number>(49).fill(0)];
  const { webhookRetryScheduleSeconds } = readSettings({ webhookRetryScheduleSeconds: schedule });
  const answer = { kind: 'answered', status: 503, retryAfterSeconds: 10 ** 9 } as const;
  let millis = firstWaitMillis(webhookRetryScheduleSeconds, 1);
  for (let attempts = 1; attempts <= schedule.length; attempts++) {
    const verdict = afterAttempt(answer, attempts, webhookRetryScheduleSeconds, 1, Number.POSITIVE_INFINITY);
    millis += ATTEMPT_DEADLINE_MILLIS + (verdict.step === 'retry' ? verdict.waitMillis : 0);
  }
  return millis / 1000;
}

type Time = [what: string, seconds: number];

const ORDER: [shorter: Time, longer: Time, why: string][] = [
  // A call to AWS that hangs.
  [
    ['the tries of a call to AWS', awsTries(AWS_TRY_MILLIS)],
    ['a call to AWS', awsCall],
    'it is counted with below',
  ],
  [
    ['to create a job, and a call to AWS', CREATE_DEADLINE_MILLIS / 1000 + awsCall],
    ['submit runs', submit],
    'what came of the creation is written down',
  ],
  [
    ['the key is read twice', 2 * awsCall],
    ['to create a job', CREATE_DEADLINE_MILLIS / 1000],
    'and the request sent',
  ],
  [['submit runs', submit], ['API Gateway waits', 30], 'the app gets our answer'],
  [['jobs runs', reader], ['API Gateway waits', 30], 'the app gets our answer'],
  [
    ['the key, the job and a document are read', 3 * awsCall],
    ['jobs runs', reader],
    'the app gets a 500, not silence',
  ],
  [
    ['a poll, and a call to AWS', REPORT_LIMITS.poll.deadlineMillis / 1000 + awsCall],
    ['the poller runs', poller],
    'its batch is not lost with it',
  ],
  [
    [
      'a poll that is refused, and three calls to the table of durations',
      (REPORT_LIMITS.poll.deadlineMillis + 3 * (DURATIONS_CALL_MILLIS + PAUSES_MILLIS)) / 1000,
    ],
    ['the poller runs', poller],
    'a table that only helps to plan does not hold up a batch',
  ],
  [
    [
      'a report, and to write the largest results',
      REPORT_LIMITS.collect.deadlineMillis / 1000 + largestWrite,
    ],
    ['the collector runs', collector],
    'the largest results are written by a network that is just fast enough',
  ],
  [
    ['an attempt, and a call to AWS', ATTEMPT_DEADLINE_MILLIS / 1000 + awsCall],
    ['deliver runs', deliverer],
    'its batch is not lost with it',
  ],
  [
    [
      'a pass through the queue, a create at its end, and a call to AWS',
      (DRAIN_MILLIS + CREATE_DEADLINE_MILLIS) / 1000 + awsCall,
    ],
    ['create runs', creator],
    'what came of the creations is written down',
  ],
  [
    [
      'a sweep, parts that are erased at its end, and a call to AWS',
      (SWEEP_MILLIS + FORGET_MILLIS) / 1000 + awsCall,
    ],
    ['the sweeper runs', sweeper],
    'the page that is under way is finished',
  ],
  [
    ['the parts of a job are erased, and two calls to AWS', FORGET_MILLIS / 1000 + 2 * awsCall],
    ['jobs runs', reader],
    'whoever cancels it gets an answer',
  ],
  [
    ['the parts of a job are erased, and two calls to AWS', FORGET_MILLIS / 1000 + 2 * awsCall],
    ['the sweeper erases what is left', LEFT_MILLIS / 1000],
    'it does not do so at the same time',
  ],
  [['the sweeper runs', sweeper], ['from one sweep to the second next', 120], 'sweeps do not pile up'],

  // Leases, and when a message comes again.
  [
    ['submit runs', submit],
    ['its lease', SUBMIT_LEASE_MILLIS / 1000],
    'whoever held it is gone when it ends',
  ],
  [
    ['create runs', creator],
    ['the lease of the job that it has created', SUBMIT_LEASE_MILLIS / 1000],
    'whoever held it is gone when it ends',
  ],
  [
    ['create runs', creator],
    ['its lease of the queue', DRAIN_LEASE_MILLIS / 1000],
    'whoever held it is gone when it ends',
  ],
  [
    ['the lease of the queue', DRAIN_LEASE_MILLIS / 1000],
    ['Create hides a message', queueNamed('Create')?.hidden ?? 0],
    'the message of a worker that died finds the queue free',
  ],
  [
    ['a job is on its way into the queue: submit runs', submit],
    ['an empty queue is watched', LINGER_MILLIS / 1000],
    'none comes into a queue that nobody looks into any longer',
  ],
  [
    ['the lease of submit', SUBMIT_LEASE_MILLIS / 1000],
    ['a new watch', DEADLINE_EXTENSION_MILLIS / 1000],
    'the sweeper ends it',
  ],
  [
    ['deliver runs', deliverer],
    ['its lease', ATTEMPT_LEASE_MILLIS / 1000],
    'whoever held it is gone when it ends',
  ],
  [
    ['a message that failed comes again', againSeconds(1) ?? 0],
    ['the lease of deliver', ATTEMPT_LEASE_MILLIS / 1000],
    'and so an attempt that fails gives its lease back: the message would meet it',
  ],
  [
    ['the lease of deliver', ATTEMPT_LEASE_MILLIS / 1000],
    ['Deliver hides a message', queueNamed('Deliver')?.hidden ?? 0],
    'the message of a worker that died finds the webhook free',
  ],
  [
    ['the lease of deliver', ATTEMPT_LEASE_MILLIS / 1000],
    ['a wake-up is lost', LOST_AFTER_MILLIS / 1000],
    'a message that waits for the lease to end comes before the sweeper',
  ],
  [
    ['a message that failed comes again, at the latest', Math.max(...agains)],
    ['a wake-up is lost', LOST_AFTER_MILLIS / 1000],
    'it comes before the sweeper',
  ],
  ...['Poll', 'Deliver'].map((name): (typeof ORDER)[number] => [
    [`${name} hides a message`, queueNamed(name)?.hidden ?? 0],
    ['a wake-up is lost', LOST_AFTER_MILLIS / 1000],
    'the message of a worker that died comes before the sweeper',
  ]),
  [
    ['a wake-up is lost', LOST_AFTER_MILLIS / 1000],
    ['Collect hides a message', queueNamed('Collect')?.hidden ?? 0],
    'here alone the sweeper comes first, as six times 180 s would be long to wait',
  ],
  [
    ['the first wait', FIRST_WAIT_MAX_SECONDS],
    ['a new watch', DEADLINE_EXTENSION_MILLIS / 1000],
    'the poll comes before the sweeper',
  ],
  [
    ['the last poll', REPORT_LIMITS.poll.deadlineMillis / 1000],
    ['the grace after the expiry', EXPIRY_GRACE_MILLIS / 1000],
    'it ends the job before the sweeper does',
  ],
  ...['Poll', 'Deliver'].map((name): (typeof ORDER)[number] => [
    [`a message of ${name} is set aside`, queueNamed(name)?.dying ?? 0],
    ['the alarm of the oldest message', oldestMessage?.when.atLeast ?? 0],
    'one that always fails rings the alarm that says so',
  ]),

  // What a later release wrote, while an earlier one runs.
  [
    ['the messages of a deployment come again quickly', 60],
    ['before they wait for long', agains.reduce((a, b) => a + b)],
    'functions are replaced one after the other, within a minute',
  ],
  [
    ['a message comes again and its function runs', AGAIN_FOR_LATER_SECONDS + collector],
    ['SQS hides a message', 12 * 3600],
    'it refuses more',
  ],
  [
    ['a weekend, from evening to evening', 3 * DAY],
    ['it is set aside', left],
    'there is time to go forward again',
  ],
  [['it is set aside', left], ['a queue keeps a message', queues[0]?.kept ?? 0], 'it is not dropped'],

  // How long things are kept.
  ...queues.flatMap(({ name, kept, keptAside }): typeof ORDER => [
    [['the longest job', longestJob], [`${name} keeps a message`, kept], 'whatever is in it is still wanted'],
    [
      [`${name} keeps a message`, kept],
      ['its dead letters do', keptAside],
      'a message keeps its age when set aside',
    ],
  ]),
  [
    ['the longest wait for ModelStudio', LONGEST_JOB_SECONDS],
    ['the bucket keeps a request', daysIn('requests/') * DAY],
    'a job that waits does not lose what it asks for',
  ],
  [
    ['the longest job', longestJob],
    ['the shortest retention', retentionMin],
    'a key finds the job that it made',
  ],
  [
    ['the longest round of deliveries', longestRound()],
    ['a row is kept longer while it awaits one', ROUND_MAX_DAYS * DAY],
    'a round that begins when the retention is almost over comes to its end',
  ],
  [
    ['a row is kept longer while it awaits a round', ROUND_MAX_DAYS * DAY],
    ['a document is kept longer', DOCUMENT_EXTRA_DAYS * DAY],
    'the last attempt finds what it sends',
  ],
  [
    ['a document is kept longer, but for a second', DOCUMENT_EXTRA_DAYS * DAY - 1],
    ['the bucket keeps it longer', (bucketDays - retentionDays) * DAY],
    'large documents are kept as long as small ones',
  ],
];

describe('times that must agree are in order:', () => {
  it.each(ORDER.map(([[shorter, less], [longer, more], why]) => ({ shorter, less, longer, more, why })))(
    '$shorter ($less s) < $longer ($more s): $why',
    ({ less, more }) => {
      expect(less).toBeGreaterThan(0);
      expect(less).toBeLessThan(more);
    },
  );
});

it.each([
  ['a longer schedule', [5 * DAY + 1]],
  ['more attempts', Array<number>(51).fill(0)],
])('the settings allow no longer round of attempts: %s', (_what, webhookRetryScheduleSeconds) => {
  expect(() => readSettings({ webhookRetryScheduleSeconds })).toThrow('webhookRetryScheduleSeconds');
});

it('the shortest retention that the times allow is the least that the settings allow', () => {
  expect(readSettings({ retentionDays: retentionMin / DAY }).retentionDays).toBe(8);
  expect(() => readSettings({ retentionDays: retentionMin / DAY - 1 })).toThrow('retentionDays');
});
