import { isFinished, type Job } from '../../functions/core/job.ts';

export type QueueName = 'poll' | 'collect' | 'deliver';

/** What the judge must know of each job beyond its row, by job id. */
export class Ledger {
  /** From when to when it was unfinished: by no worker's clock, but the true one. */
  readonly lives = new Map<string, { from: number; to: number }>();
  /** Messages sent, apart for the polling and the delivering chain; not those that hand a report over. */
  readonly sends = new Map<string, { poll: number; deliver: number }>();
  /** The tokens of all wake-ups that were sent. */
  readonly tokens = new Set<string>();
  /** Whether the collector had to do with it, which may wait for an answer beyond the job's expiry. */
  readonly handedOver = new Set<string>();
  /** Those whose first wake-up could not be sent, so that the sweeper must send it. */
  readonly unsent = new Set<string>();
  /** Those on which ModelStudio has reported to a worker that lived to say so. */
  readonly seen = new Set<string>();
  /** Those that their app has asked to cancel. */
  readonly cancels = new Set<string>();
  /** Times that the sweeper woke it. */
  readonly rescues = new Map<string, number>();

  wrote(before: Job | undefined, after: Job, now: number): void {
    const wasOver = before !== undefined && isFinished(before);
    const { from } = this.lives.get(after.jobId) ?? { from: now };
    if (!wasOver) this.lives.set(after.jobId, { from, to: now });
  }

  sent(queue: QueueName, body: string): void {
    const { jobId, wakeUp } = JSON.parse(body);
    this.tokens.add(wakeUp.token);
    const sends = this.sends.get(jobId) ?? { poll: 0, deliver: 0 };
    if (queue === 'collect') this.handedOver.add(jobId);
    else sends[queue] += 1;
    this.sends.set(jobId, sends);
  }

  rescued(jobId: string): void {
    this.rescues.set(jobId, (this.rescues.get(jobId) ?? 0) + 1);
  }
}
