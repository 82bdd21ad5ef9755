import { PutItemCommand, ThrottlingException } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { classifyWakeUp, type Job, type Millis, type WakeUp } from '../../functions/core/job.ts';
import { AWS_TRIES, FUNCTIONS } from '../../functions/core/limits.ts';
import { sweep } from '../../functions/sweep/sweep.ts';
import { type Call, type Carry, clientsOf, type Service } from '../cloud/clients.ts';
import { Cloud } from '../cloud/cloud.ts';
import { Rows } from '../cloud/contents.ts';
import { finishedJob, NOW, runningJob } from '../cloud/jobs.ts';
import { portsOver } from '../cloud/ports.ts';
import { VirtualTime } from '../cloud/time.ts';
import { fakeWorld } from '../cloud/world.ts';

const JOBS = 10_000;
const MINUTE = 60_000;
const SWEEPS_MAX = 10;
/** Of each of the SDK's clients. */
const SOCKETS = 50;

interface Conditions {
  /** How long a request takes. */
  millis: Millis;
  /** DynamoDB refuses all other writes of a second. */
  writesPerSecond?: number;
  /** SQS refuses one message of so many. */
  refusedMessages?: number;
}

/** The way to AWS: a client has only so many sockets, and tries again what was throttled. */
class Way {
  /** Those that were throttled included. */
  requests = 0;
  readonly #time: VirtualTime;
  readonly #conditions: Conditions;
  readonly #open = { dynamodb: 0, sqs: 0, s3: 0, secrets: 0 };
  readonly #waiting: Record<Service, (() => void)[]> = { dynamodb: [], sqs: [], s3: [], secrets: [] };
  #second = 0;
  #written = 0;

  constructor(time: VirtualTime, conditions: Conditions) {
    this.#time = time;
    this.#conditions = conditions;
  }

  readonly carry: Carry = async (call, effect) => {
    for (let tried = 1; ; tried++) {
      await this.#request(call.service);
      if (!this.#isThrottled(call)) return effect();
      if (tried === AWS_TRIES) throw new ThrottlingException({ message: 'Throttled', $metadata: {} });
      await this.#pass(50 * 2 ** tried);
    }
  };

  async #request(service: Service): Promise<void> {
    if (this.#open[service] === SOCKETS)
      await new Promise<void>((resolve) => this.#waiting[service].push(resolve));
    else this.#open[service] += 1;
    this.requests += 1;
    await this.#pass(this.#conditions.millis);
    const next = this.#waiting[service].shift();
    if (next) next();
    else this.#open[service] -= 1;
  }

  #isThrottled({ command }: Call): boolean {
    if (!(command instanceof PutItemCommand)) return false;
    const second = Math.floor(this.#time.now / 1000);
    if (second > this.#second) this.#written = 0;
    this.#second = second;
    this.#written += 1;
    return this.#written > (this.#conditions.writesPerSecond ?? Number.POSITIVE_INFINITY);
  }

  #pass(millis: Millis): Promise<void> {
    return new Promise((resolve) => this.#time.after(millis, resolve));
  }
}

/** Jobs whose wake-ups are lost: of five, four are running, and one is to be delivered. */
function crowdUnder(conditions: Conditions) {
  const time = new VirtualTime(NOW + 20 * MINUTE);
  const cloud = new Cloud({ time });
  const rows = new Rows(cloud);
  for (let i = 0; i < JOBS; i++) {
    const jobId = `job_${i}`;
    rows.set(jobId, i % 5 === 0 ? finishedJob({ jobId }) : runningJob({ jobId }));
  }
  let entries = 0;
  const { refusedMessages = Number.POSITIVE_INFINITY } = conditions;
  cloud.faults = { ...cloud.faults, isTaken: () => ++entries % refusedMessages !== 0 };
  const way = new Way(time, conditions);
  const clock = { now: () => time.now };
  let drawn = 0;
  const bytes = () => new Uint8Array(Float64Array.of(++drawn, 0).buffer);
  const fake = fakeWorld();
  const world = {
    ...fake,
    ...portsOver(cloud, clientsOf(cloud, way.carry), { clock }),
    clock,
    random: { ...fake.random, bytes },
  };
  return { time, cloud, rows, way, world };
}

type Crowd = ReturnType<typeof crowdUnder>;

/** Sweeps each minute until nothing is overdue. @returns how long each has taken */
async function sweepAll({ time, cloud, world }: Crowd): Promise<Millis[]> {
  const lengths: Millis[] = [];
  const isLeft = () => (cloud.tables.jobs.firstIn('sweep') ?? Number.POSITIVE_INFINITY) <= time.now;
  while (isLeft() && lengths.length < SWEEPS_MAX) {
    const startedAt = time.now;
    let endedAt = Number.POSITIVE_INFINITY;
    const end = () => {
      endedAt = time.now;
    };
    await time.govern(() => {
      void sweep(world).then(end, end);
      return time.run(startedAt + MINUTE);
    });
    lengths.push(endedAt - startedAt);
  }
  return lengths;
}

function expectedWakeUpOf(job: Job | undefined): WakeUp | null {
  if (job?.status === 'running') return job.expectedWakeUp;
  return job?.webhook?.status === 'pending' ? job.webhook.expectedWakeUp : null;
}

/** The jobs of the messages that count for their rows, and of those that claim to be ahead of them. */
function classified({ cloud, rows }: Crowd): Record<'expected' | 'ahead' | 'stale', string[]> {
  const jobIds = { expected: [] as string[], ahead: [] as string[], stale: [] as string[] };
  for (const { body } of [...cloud.queues.poll.messages, ...cloud.queues.deliver.messages]) {
    const { jobId, wakeUp } = JSON.parse(body);
    jobIds[classifyWakeUp(wakeUp, expectedWakeUpOf(rows.get(jobId)))].push(jobId);
  }
  return jobIds;
}

interface Outcome {
  sweeps: number;
  requestsPerJob: number;
}

/** Each condition takes seconds, so that all but the first are tested where it is asked for: MANY_JOBS=yes npx vitest run FILE */
const isWanted = process.env['MANY_JOBS'] === 'yes';

const CONDITIONS: [title: string, Conditions, Outcome][] = [
  ['in one sweep', { millis: 10 }, { sweeps: 1, requestsPerJob: 2.13 }],
  ['in two, if requests take their time', { millis: 150 }, { sweeps: 2, requestsPerJob: 2.13 }],
  [
    'in three, if DynamoDB throttles most of the writes',
    { millis: 10, writesPerSecond: 1000 },
    { sweeps: 3, requestsPerJob: 4.4 },
  ],
  [
    'in three, if SQS refuses a message of a hundred',
    { millis: 10, refusedMessages: 100 },
    { sweeps: 3, requestsPerJob: 2.15 },
  ],
];

describe('ten thousand jobs that have lost their wake-ups are rescued, each once,', () => {
  it.each(CONDITIONS.slice(0, isWanted ? CONDITIONS.length : 1))('%s', async (_title, conditions, most) => {
    const crowd = crowdUnder(conditions);
    const lengths = await sweepAll(crowd);
    expect(lengths.length).toBe(most.sweeps);
    expect(Math.max(...lengths)).toBeLessThan(1000 * FUNCTIONS.sweep.timeoutSeconds);
    expect(crowd.way.requests / JOBS).toBeLessThan(most.requestsPerJob);
    expect(crowd.world.metrics.JobsRecovered).toBe(JOBS);
    const { expected, ahead } = classified(crowd);
    expect([expected.length, new Set(expected).size, ahead.length]).toEqual([JOBS, JOBS, 0]);
  });
});
