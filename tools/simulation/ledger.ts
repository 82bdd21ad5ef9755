import { isFinished, type Job } from '../../functions/core/job.ts';
import type { PollForecast } from '../../functions/core/polling/next-poll.ts';
import type { QueueName } from '../../test/cloud/cloud.ts';

type PerQueue = Record<QueueName, number>;

/** What the judge must know of each job beyond its row, by job id. */
export class Ledger {
  /** From when to when it was unfinished: by no worker's clock, but the true one. */
  readonly lives = new Map<string, { from: number; to: number }>();
  /** Messages sent, apart for the polling and the delivering chain; not those that hand a report over. */
  readonly sends = new Map<string, { poll: number; deliver: number }>();
  /** The tokens of all wakeUp-ups that were sent. */
  readonly tokens = new Set<string>();
  /** Whether the collector had to do with it, which may wait for an answer beyond the job's expiry. */
  readonly handedOver = new Set<string>();
  /** Those whose first wakeUp-up could not be sent, so that the sweeper must send it. */
  readonly unsent = new Set<string>();
  /** Those on which ModelStudio has reported to a worker that lived to say so. */
  readonly seen = new Set<string>();
  /** Those that their app has asked to cancel. */
  readonly cancels = new Set<string>();
  /** When ModelStudio had ended it, of those that have ended so. */
  readonly endsAt = new Map<string, number>();
  /** The longest wait between two of its polls, and how many were still sent when ModelStudio had ended it. */
  readonly waits = new Map<string, { longestSeconds: number; polls: number }>();
  /** Times that the sweeper woke it. */
  readonly rescues = new Map<string, number>();
  /** Sweeps that died, or for which there was no worker. */
  failedSweeps = 0;
  /** What functions planned the polls of a bucket by, each once. */
  readonly #forecasts = new Map<string, Map<string, PollForecast>>();
  readonly #repeats = new Map<string, PerQueue>();
  readonly #failures = new Map<string, PerQueue>();

  wrote(before: Job | undefined, after: Job, now: number): void {
    const wasOver = before !== undefined && isFinished(before);
    const { from } = this.lives.get(after.jobId) ?? { from: now };
    if (!wasOver) this.lives.set(after.jobId, { from, to: now });
  }

  /** @returns how many messages of that kind there have been */
  sent(queue: QueueName, jobId: string, token: string): number {
    // The SDK has sent it again, as its answer was lost: two messages.
    if (this.tokens.has(token)) this.repeated(queue, jobId);
    this.tokens.add(token);
    if (queue === 'create') return 0;
    const sends = this.sends.get(jobId) ?? { poll: 0, deliver: 0 };
    if (queue === 'collect') this.handedOver.add(jobId);
    else sends[queue] += 1;
    this.sends.set(jobId, sends);
    return queue === 'collect' ? 0 : sends[queue];
  }

  waitsFor(jobId: string, seconds: number, isOver: boolean): void {
    const { longestSeconds = 0, polls = 0 } = this.waits.get(jobId) ?? {};
    this.waits.set(jobId, {
      longestSeconds: Math.max(longestSeconds, seconds),
      polls: polls + Number(isOver),
    });
  }

  rescued(jobId: string): void {
    this.rescues.set(jobId, (this.rescues.get(jobId) ?? 0) + 1);
  }

  wentBy(bucket: string, forecast: PollForecast): void {
    const forecasts = this.#forecasts.get(bucket) ?? new Map<string, PollForecast>();
    this.#forecasts.set(bucket, forecasts);
    const { survival, durations } = forecast;
    const bytes = Buffer.from(survival.buffer, survival.byteOffset, survival.byteLength);
    // Refusals only slow the polls down.
    forecasts.set(`${durations} ${bytes.toString('latin1')}`, { ...forecast, lagPerPollSeconds: 1 });
  }

  forecastsOf(bucket: string): PollForecast[] {
    return [...(this.#forecasts.get(bucket)?.values() ?? [])];
  }

  repeated(queue: QueueName, jobId: string): void {
    countUp(this.#repeats, queue, jobId);
  }

  failed(queue: QueueName, jobId: string): void {
    countUp(this.#failures, queue, jobId);
  }

  /** Deliveries of its messages beyond their first: what duplicates and failures have added. */
  repeats(jobId: string): PerQueue {
    return this.#repeats.get(jobId) ?? none();
  }

  /** Deliveries of its messages that were not done with in the end. */
  failures(jobId: string): PerQueue {
    return this.#failures.get(jobId) ?? none();
  }
}

/** The job that a message is about. */
export function jobIn(body: string): string {
  return /"jobId":"([^"]*)"/.exec(body)?.[1] ?? '';
}

function none(): PerQueue {
  return { create: 0, poll: 0, collect: 0, deliver: 0 };
}

function countUp(counts: Map<string, PerQueue>, queue: QueueName, jobId: string): void {
  const each = counts.get(jobId) ?? none();
  each[queue] += 1;
  counts.set(jobId, each);
}
