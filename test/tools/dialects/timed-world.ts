import type { HttpOutcome } from '../../../functions/core/http/http-outcome.ts';
import type { FinishedJob, Job } from '../../../functions/core/job.ts';
import type { PollMessage } from '../../../functions/core/messages.ts';
import type { ExchangeRequest } from '../../../functions/edge/exchange.ts';
import { createModelStudio } from '../../../functions/edge/modelstudio.ts';
import { poll } from '../../../functions/poll/poll.ts';
import { submit } from '../../../functions/submit/submit.ts';
import { fakeWorld } from '../../cloud/world.ts';

/** What ModelStudio says of every job, and how long it takes to say it. */
export interface Said {
  status?: number;
  body: unknown;
  seconds?: number;
}

/** What ModelStudio says to a request, by the seconds since the world began. */
export type Upstream = (request: ExchangeRequest, seconds: number) => Said;

export interface Told {
  job: FinishedJob;
  /** What its webhook says of it. */
  data: { error: { code: string; message: string } | null; failed_tasks: number; results: unknown };
  endedAfterSeconds: number;
}

/** Of `functions/poll/handler.ts` and `functions/collect/handler.ts`. */
const LIMITS = {
  poll: { deadlineMillis: 10_000, maxBytes: 2 * 1024 * 1024 },
  collect: { deadlineMillis: 120_000, maxBytes: 128 * 1024 * 1024 },
};

const START = fakeWorld().clock.time;

/** Creates a job at each request, then tells of every job alike. */
export function scripted(report: (seconds: number) => Said): Upstream {
  let created = 0;
  return ({ method }, seconds) =>
    method === 'POST' ? { body: { job_id: `up-${++created}` } } : report(seconds);
}

/** Submits jobs and polls them by the clock of their wake-ups, over the reader that is deployed. */
export function timedWorld(upstream: Upstream) {
  const world = fakeWorld();
  const queue: { kind: 'poll' | 'collect'; message: PollMessage; dueAt: number }[] = [];
  const seconds = () => (world.clock.time - START) / 1000;
  let submitted = 0;

  const exchange = async (request: ExchangeRequest): Promise<HttpOutcome> => {
    const said = upstream(request, seconds());
    const millis = (said.seconds ?? 0) * 1000;
    world.clock.time += Math.min(millis, request.deadlineMillis);
    return millis > request.deadlineMillis ? { kind: 'timeout', isConnected: true } : answered(said);
  };
  const account = { baseUrl: 'https://api.example.com', organizationId: 'org_1' };
  const apiKey = { get: async () => 'sk-1' };
  const modelStudio = createModelStudio({ ...account, apiKey, clock: world.clock, exchange });
  const receive = (kind: 'poll' | 'collect') => async (message: PollMessage, delaySeconds: number) => {
    queue.push({ kind, message, dueAt: world.clock.time + delaySeconds * 1000 });
  };
  const wakeUps = { ...world.wakeUps, poll: receive('poll'), collect: receive('collect') };
  const timed = { ...world, modelStudio, wakeUps };

  async function submitJob(conversations: number, expires_in: number, model_id = 'm'): Promise<void> {
    const messages = Array.from({ length: conversations }, (_, index) => [
      { role: 'user', content: `prompt ${index}` },
    ]);
    const request = {
      method: 'POST',
      path: '/v1/jobs',
      headers: { 'content-type': 'application/json', 'idempotency-key': `job-${submitted++}` },
      body: Buffer.from(JSON.stringify({ model_id, messages, expires_in })),
      query: '',
      requestId: 'r1',
    };
    const answer = await submit(request, { operation: 'submit', jobId: '', client: 'acme' }, timed);
    if (answer.status !== 202) throw new Error(`It was refused: ${answer.body}`);
  }

  /** Handles what is due until then, or until nothing is. */
  async function runUntil(untilSeconds: number): Promise<void> {
    for (;;) {
      queue.sort((a, b) => a.dueAt - b.dueAt);
      const next = queue[0];
      if (!next || next.dueAt > START + untilSeconds * 1000) return;
      queue.shift();
      world.clock.time = Math.max(world.clock.time, next.dueAt);
      const settings = {
        ...world.settings,
        isCollector: next.kind === 'collect',
        reportLimits: LIMITS[next.kind],
      };
      await poll(next.message, false, { ...timed, settings });
    }
  }

  const jobs = (): Job[] => [...world.jobs.rows.values()];

  function told(): Told[] {
    return jobs().map((job) => {
      if (!('finishedAt' in job)) throw new Error(`${job.jobId} is still ${job.status}`);
      const { data } = JSON.parse(world.documents.contents.get(job.event.key) ?? '');
      return { job, data, endedAfterSeconds: (job.finishedAt - START) / 1000 };
    });
  }

  function only(): Told {
    const [first, ...others] = told();
    if (!first || others.length > 0) throw new Error('There is not one job');
    return first;
  }

  /** Of all that was asked, the share that the alarm on ModelStudio's trouble counts. */
  function shareOfTrouble(): number {
    const troubles = Object.entries(world.metrics).filter(([name]) => name.startsWith('Upstream'));
    return troubles.reduce((sum, [, count]) => sum + count, 0) / (world.metrics.Polls ?? 0);
  }

  return { submitJob, runUntil, jobs, told, only, shareOfTrouble, polls: () => world.metrics.Polls ?? 0 };
}

function answered({ status = 200, body }: Said): HttpOutcome {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return {
    kind: 'answered',
    status,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(text),
    isTruncated: false,
  };
}
