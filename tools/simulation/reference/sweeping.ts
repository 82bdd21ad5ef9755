import type {
  DeletedJob,
  FinishedJob,
  Job,
  JobRow,
  Millis,
  PendingJob,
  RunningJob,
  UnfinishedJob,
} from '../../../functions/core/job.ts';
import { SWEEP_MILLIS } from '../../../functions/core/limits.ts';
import type { DeliverMessage, PollMessage } from '../../../functions/core/messages.ts';
import { overdueAt, SHARDS } from '../../../functions/core/polling/overdue.ts';
import { type End, expired, submissionUnknown } from '../../../functions/core/upstream/report.ts';
import type { QueueName } from '../../../test/cloud/cloud.ts';
import type { HandledWorld } from '../../../test/cloud/handlers.ts';
import { must } from '../judge.ts';
import { Handling, type Told } from './handling.ts';

type Rescue = 'unfinished_deletion' | 'abandoned_submission' | 'lost_delivery' | 'lost_expiry' | 'lost_poll';

/** What a sweep must do for a job that its index has named: nothing, or the one thing that the job needs. */
class SweptJob extends Handling {
  /** How it is to be rescued; null: not at all. */
  rescue: Rescue | null = null;
  overdueMillis = 0;
  #sent: DeliverMessage | PollMessage | null = null;
  readonly #removed = new Set<string>();

  override foundRow(row: Job | null): void {
    // Who has lost the race to end it.
    if (this.isToLook) {
      super.foundRow(row);
      return;
    }
    super.found(row);
    const at = row && overdueAt(row);
    if (row === null || at === null || at > this.now) return;
    this.overdueMillis = this.now - at;
    this.rescue = rescueOf(row, this.now);
  }

  override removing(key: string): void {
    const left = leftOf(this.row);
    if (left === null) {
      super.removing(key);
      return;
    }
    const isLeft = left.leftovers?.some((ref) => ref.key === key) === true;
    this.must(isLeft, 'I3', () => `${key} is deleted, which is not of that job`);
    this.#removed.add(key);
  }

  protected endOf(before: UnfinishedJob): End | null {
    if (this.rescue === 'abandoned_submission') return submissionUnknown;
    return this.rescue === 'lost_expiry' ? expired(before as RunningJob) : null;
  }

  sending(queue: QueueName, message: PollMessage | DeliverMessage, delaySeconds: number): void {
    if (this.ended !== null) {
      this.judgeStart(message as DeliverMessage, delaySeconds);
      return;
    }
    const last = this.#lastPlace;
    const { token } = message.wakeUp;
    const wakeUp = { seq: last + 1, token, dueAt: this.now };
    const { jobId } = this;
    this.must(this.#sent === null, 'I19', () => 'a second rescue is sent');
    this.must(delaySeconds === 0, 'I12', () => `a rescue is delayed by ${delaySeconds} s`);
    this.same(
      'I12',
      `a rescue (${this.rescue}) is sent to ${queue} as`,
      { queue, ...message },
      {
        ...(this.rescue === 'lost_delivery' && {
          queue: 'deliver',
          jobId,
          wakeUp,
          attempts: (this.row as PendingJob).webhook.attempts,
        }),
        ...(this.rescue === 'lost_poll' && {
          queue: 'poll',
          jobId,
          upstreamJobId: (this.row as RunningJob).upstreamJobId,
          wakeUp,
          polledAt: (this.row as RunningJob).updatedAt,
          recordedToken: token,
          pollsSinceRecord: 0,
          isSeen: true,
        }),
      },
    );
    this.#sent = message;
  }

  get #lastPlace(): number {
    const { row } = this;
    if (row?.status === 'running') return row.expectedWakeUp.seq;
    const { webhook = null } = (row ?? {}) as Partial<FinishedJob>;
    return webhook?.status === 'pending' ? (webhook.expectedWakeUp?.seq ?? 0) : 0;
  }

  protected judgeWrite(after: Job): void {
    const left = leftOf(this.row);
    if (left !== null) {
      const isGone = left.leftovers?.every(({ key }) => this.#removed.has(key)) === true;
      this.must(isGone, 'I17', () => 'a deletion is called finished before it is');
      return;
    }
    const expected =
      after.status === 'running' ? after.expectedWakeUp : (after as PendingJob).webhook.expectedWakeUp;
    this.must(this.#sent !== null, 'I12', () => 'a rescue is written down before it is sent');
    this.same('I12', 'a rescue is written down as', { ...expected }, { ...this.#sent?.wakeUp });
  }

  override done(): void {
    super.done();
    const rescues = this.told.filter(({ stage }) => stage === 'sweep');
    if (this.rescue === null) {
      const isIdle = this.#sent === null && this.tried === null && this.told.length === 0;
      this.must(isIdle, 'I12', () => 'a job is rescued that needs nothing');
      return;
    }
    this.must(this.tried !== null, 'I12', () => `a rescue (${this.rescue}) is not written down`);
    this.must(rescues.length === 1, 'I26', () => `a rescue is told ${rescues.length} times`);
    const [first] = rescues;
    if (!first || !this.row) return;
    const age_seconds = (this.row.updatedAt - this.row.createdAt) / 1000;
    const { age_seconds: given = 0, ...fields } = first.fields;
    this.must(given >= age_seconds, 'I26', () => `a job of ${given} s is rescued`);
    this.same('I26', 'a rescue is told as', fields, {
      ...{ outcome: this.rescue, job_id: this.jobId, client: this.row.client },
    });
    this.same('I26', 'a rescue is measured as', first.metrics, { JobsRecovered: 1 });
  }
}

function leftOf(row: JobRow | null | undefined): DeletedJob | null {
  return row?.status === 'deleted' ? row : null;
}

function rescueOf(row: Job, now: Millis): Rescue {
  if (leftOf(row) !== null) return 'unfinished_deletion';
  if (row.status === 'submitting') return 'abandoned_submission';
  if (row.status !== 'running') return 'lost_delivery';
  return now >= row.expiresAt ? 'lost_expiry' : 'lost_poll';
}

interface Shard {
  named: string[];
  /** It has been read to its end; false: it could not be read. */
  isRead: boolean | null;
}

/** One sweep: each shard by itself, and each job of it. */
export class Sweeping {
  readonly #world: HandledWorld;
  readonly #until: Millis;
  readonly #jobs: SweptJob[] = [];
  /** Each as it was swept last. */
  readonly #byId = new Map<string, SweptJob>();
  readonly #shards = new Map<number, Shard>();
  readonly #told: Told[] = [];

  constructor(world: HandledWorld) {
    this.#world = world;
    this.#until = world.clock.now() + SWEEP_MILLIS;
  }

  /** @param isAnew as an index that lags may name a job twice */
  of(jobId: string, isAnew = false): SweptJob {
    const known = this.#byId.get(jobId);
    if (known && (!isAnew || known.isToLook)) return known;
    const job = new SweptJob(jobId, this.#world);
    this.#byId.set(jobId, job);
    this.#jobs.push(job);
    return job;
  }

  tells(told: Told): void {
    const { job_id } = told.fields;
    if (job_id === undefined) this.#told.push(told);
    else this.of(job_id).tells(told);
  }

  /** Before it is read. */
  begins(at: Millis): void {
    must(at === this.#world.clock.now(), 'I12', () => `a sweep looks for what is overdue at ${at}`);
  }

  async *pages(index: number, pages: AsyncIterable<string[]>): AsyncGenerator<string[]> {
    const shard: Shard = { named: [], isRead: null };
    this.#shards.set(index, shard);
    try {
      for await (const page of pages) {
        shard.named.push(...page);
        yield page;
      }
      shard.isRead = true;
    } catch (error) {
      shard.isRead = false;
      throw error;
    }
  }

  /** @param isFailed the sweep ended with an error */
  over(isFailed: boolean): void {
    const shards = [...this.#shards.values()];
    must(shards.length === SHARDS, 'I12', () => `a sweep looks at ${shards.length} shards`);
    const isOutOfTime = this.#world.clock.now() >= this.#until;
    for (const { named, isRead } of shards) {
      must(isRead !== null || isOutOfTime, 'I12', () => 'a sweep leaves a shard before its end');
      const left = named.find((jobId) => !this.#byId.has(jobId));
      must(left === undefined, 'I12', () => `a sweep leaves out ${left}`);
    }
    for (const job of this.#jobs) {
      if (job.failures > 0) must(job.underWay === 0, 'I12', () => `the rescue of ${job.jobId} is left alone`);
      else job.done();
    }
    this.#judgeTold(shards, isFailed);
  }

  /** The heartbeat says that all jobs were looked at; that one could not be rescued is an error all the same. */
  #judgeTold(shards: Shard[], isFailed: boolean): void {
    const read = shards.filter(({ isRead }) => isRead !== false);
    const named = new Set(shards.flatMap((shard) => shard.named));
    const swept = this.#jobs.filter(({ jobId }) => named.has(jobId));
    const failed = swept.filter(({ failures }) => failures > 0);
    const later = failed.filter(({ isOfLaterRelease }) => isOfLaterRelease).length;
    const isWhole = read.length === shards.length;
    const isWell = isWhole && failed.length === later;
    must(
      isFailed === !isWell,
      'I12',
      () => `a sweep with ${failed.length} failures ends ${isFailed ? 'badly' : 'well'}`,
    );
    must(this.#told.length === 1, 'I26', () => `a sweep is told ${this.#told.length} times`);
    const [{ fields, metrics } = { fields: { outcome: '' }, metrics: {} }] = this.#told;
    const outcome = isWell ? 'swept' : 'failed';
    must(fields.outcome === outcome, 'I26', () => `a sweep is told as ${fields.outcome}, not ${outcome}`);
    must(
      (fields.left_for_later ?? 0) === later,
      'I26',
      () => `${fields.left_for_later} jobs are left for later`,
    );
    const { Sweeps, OldestOverdueSeconds } = metrics;
    must(Sweeps === Number(isWhole), 'I26', () => `${Sweeps} heartbeats of a sweep`);
    const oldest = Math.max(0, ...swept.map(({ overdueMillis }) => overdueMillis)) / 1000;
    must(
      OldestOverdueSeconds === oldest,
      'I26',
      () => `overdue for ${OldestOverdueSeconds} s, not ${oldest}`,
    );
  }
}
