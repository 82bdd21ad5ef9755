import { isDeepStrictEqual } from 'node:util';
import { LaterFormat } from '../../../functions/core/format.ts';
import { EVENT_MAX_BYTES, eventJson } from '../../../functions/core/http/view.ts';
import type { FinishedJob, Job, Millis, UnfinishedJob } from '../../../functions/core/job.ts';
import type { LogFields, Stage } from '../../../functions/core/log.ts';
import type { DeliverMessage, PollMessage } from '../../../functions/core/messages.ts';
import type { MetricName, MetricValues } from '../../../functions/core/metrics.ts';
import { sqsDelaySeconds } from '../../../functions/core/sqs-delay.ts';
import type { End, Report } from '../../../functions/core/upstream/report.ts';
import { firstWaitMillis } from '../../../functions/core/webhook/attempt.ts';
import type { QueueName } from '../../../test/cloud/cloud.ts';
import type { HandledWorld } from '../../../test/cloud/handlers.ts';
import { must } from '../judge.ts';

export interface Told {
  stage: Stage;
  fields: LogFields;
  metrics: MetricValues;
}

/** Losing this many races in a row is a fault of its own. */
const RACES_MAX = 5;
/** To end a job: it is read, asked about, planned, set aside, saved twice, written, sent on, planned and learnt from. */
const CALLS_MAX = 10;
/** To see whether it is lost, to delete what was saved, to read it again, and all that follows from there. */
const CALLS_PER_LOSS_MAX = 9;

const ENDED = {
  completed: 'JobsCompleted',
  failed: 'JobsFailed',
  cancelled: 'JobsCancelled',
  expired: 'JobsExpired',
} as const satisfies Record<FinishedJob['status'], MetricName>;

/**
 * What a worker does for one job, while it handles one message or sweeps: each step is compared with what must be done,
 * given what the worker has read and been told. The time of a step is exact, as none passes while a worker thinks.
 */
export abstract class Handling {
  readonly jobId: string;
  /** As it was last read; undefined: it has not been read. */
  row: Job | null | undefined;
  /** The row as the worker has last tried to write it, and what came of that. */
  tried: { after: Job; isWritten: boolean | null } | null = null;
  /** Tries that were lost to somebody else's write. */
  lost = 0;
  report: Report | null = null;
  /** The number that was drawn last. */
  fraction = 0;
  readonly told: Told[] = [];
  /** When it last told something. */
  toldAt: Millis = 0;
  /** Its calls that have failed. */
  failures = 0;
  isOfLaterRelease = false;
  underWay = 0;
  /** It has begun something before it had ended what comes before. */
  isHasty = false;
  protected readonly world: HandledWorld;
  #finds = 0;
  #calls = 0;
  #findsAtLoss = 0;
  readonly #saved = new Map<string, string>();
  #event: string | null = null;
  #hasLooked = false;
  protected endedAt: Millis | null = null;
  #isStarted = false;
  #end: End | null = null;

  constructor(jobId: string, world: HandledWorld) {
    this.jobId = jobId;
    this.world = world;
  }

  get now(): Millis {
    return this.world.clock.now();
  }

  must(holds: boolean, invariant: string, what: () => string): asserts holds {
    must(holds, invariant, () => `${what()}: ${this.jobId}`);
  }

  /** Of two records, each member by itself. */
  same(invariant: string, what: string, given: object, expected: object): void {
    if (isDeepStrictEqual(given, expected)) return;
    this.must(false, invariant, () => `${what} ${JSON.stringify(given)}, not ${JSON.stringify(expected)}`);
  }

  /** One thing after the other, but for what may happen beside another. */
  async call<T>(work: () => Promise<T>, isBeside = false): Promise<T> {
    if (this.underWay > 0 && !isBeside) this.isHasty = true;
    this.underWay += 1;
    this.#calls += 1;
    try {
      return await work();
    } catch (error) {
      this.failures += 1;
      if (error instanceof LaterFormat) this.isOfLaterRelease = true;
      throw error;
    } finally {
      this.underWay -= 1;
    }
  }

  found(row: Job | null): void {
    this.#finds += 1;
    this.row = row;
    this.endedAt = null;
    this.must(this.#finds <= 1 + this.lost, 'I19', () => `a row is read ${this.#finds} times`);
  }

  /** Whatever is left of the job: who has lost a race looks whether its documents are needed. */
  foundRow(row: Job | null): void {
    this.must(this.lost > 0, 'I19', () => 'a row is read for nothing');
    this.#event = row && 'event' in row ? row.event.key : null;
    this.#hasLooked = true;
  }

  /** It has saved documents for nothing, and has not seen yet whether they are needed. */
  get isToLook(): boolean {
    return this.lost > 0 && this.#saved.size > 0 && !this.#hasLooked;
  }

  /** Before it is deleted. */
  removing(key: string): void {
    const isOwn = this.lost > 0 && this.#saved.has(key);
    this.must(isOwn && key !== this.#event, 'I3', () => `${key} is deleted`);
  }

  /** Before it is written. */
  writing(after: Job): void {
    const isBlind = this.lost > 0 && !this.isAwareOfLoss && !this.isGivingBack;
    this.must(!isBlind, 'I9', () => 'a row is written again that has not been read again');
    this.tried = { after, isWritten: null };
    if (isEnd(after)) this.#judgeEnd(after);
    else this.judgeWrite(after);
  }

  wrote(isWritten: boolean): void {
    if (this.tried) this.tried.isWritten = isWritten;
    if (isWritten) return;
    this.lost += 1;
    this.#findsAtLoss = this.#finds;
  }

  saving(key: string, json: string): void {
    this.endedAt ??= this.now;
    this.#saved.set(key, json);
  }

  /** Before it is sent. */
  abstract sending(queue: QueueName, message: PollMessage | DeliverMessage, delaySeconds: number): void;

  tells(told: Told): void {
    this.told.push(told);
    this.toldAt = this.now;
    if (told.stage === 'finish') this.#judgeFinishTold(told);
  }

  /** The row as this worker has ended it. */
  get ended(): FinishedJob | null {
    const { after, isWritten } = this.tried ?? {};
    return isWritten && after && isEnd(after) && !this.isOver ? after : null;
  }

  /** Somebody else had ended it when this worker read it. */
  protected get isOver(): boolean {
    return this.row !== null && this.row !== undefined && isEnd(this.row);
  }

  /** It leaves the row as it found it, if nobody has touched it. */
  protected get isGivingBack(): boolean {
    return false;
  }

  /** It has read again what it had lost. */
  get isAwareOfLoss(): boolean {
    return this.#finds > this.#findsAtLoss;
  }

  /** A write by which the job does not end, and how one must end that it ends: null if it must not. */
  protected abstract judgeWrite(after: Job): void;
  protected abstract endOf(before: UnfinishedJob): End | null;

  /** When it has done all that it wanted to do. */
  done(): void {
    this.must(this.underWay === 0, 'I12', () => `${this.underWay} calls are not waited for`);
    this.must(!this.isHasty, 'I12', () => 'a call is not waited for before the next');
    this.must(this.failures === 0, 'I12', () => 'a failure is swallowed');
    const most = CALLS_MAX + CALLS_PER_LOSS_MAX * this.lost;
    this.must(this.#calls <= most, 'I19', () => `${this.#calls} calls for one message`);
    const { ended } = this;
    const isForNothing = ended === null && this.lost === 0 && this.#saved.size > 0;
    this.must(!isForNothing, 'I22', () => 'documents are saved for nothing');
    if (ended === null) return;
    this.must(ended.webhook === null || this.#isStarted, 'I12', () => 'a delivery is not started');
    const tells = this.told.filter(({ stage }) => stage === 'finish').length;
    this.must(tells === 1, 'I26', () => `an end is told ${tells} times`);
  }

  failed(): void {
    this.must(this.underWay === 0, 'I12', () => `${this.underWay} calls are left alone`);
    this.must(this.failures > 0 || this.lost >= RACES_MAX, 'I12', () => 'a message fails for no reason');
  }

  #judgeEnd(after: FinishedJob): void {
    if (this.isOver || this.isGivingBack) {
      this.judgeWrite(after);
      return;
    }
    const before = this.row as UnfinishedJob;
    const end = this.endOf(before);
    this.must(end !== null, 'I1', () => 'a job is ended that goes on');
    this.#end = end;
    const { status, completedTasks, error } = after;
    const { results } = end;
    this.same('I1', 'a job ends as', { status, completedTasks, error }, omitResults(end));
    this.must(
      after.failedTasks === (results?.failedTasks ?? 0),
      'I22',
      () => `${after.failedTasks} failed tasks`,
    );
    this.must(after.finishedAt === this.endedAt, 'I1', () => `an end at ${after.finishedAt}`);
    this.#judgeDocuments(after, results?.json ?? null);
    this.#judgeFirstWait(before, after);
  }

  #judgeDocuments(after: FinishedJob, json: string | null): void {
    const { apiUrl } = this.world.settings;
    const whole = eventJson(after, { json, url: null });
    const isWhole = Buffer.byteLength(whole) <= EVENT_MAX_BYTES;
    const url = `${apiUrl}/v1/jobs/${this.jobId}/results`;
    const event = isWhole ? whole : eventJson(after, { json: null, url });
    this.must(this.#saved.get(after.event.key) === event, 'I3', () => 'the event is not what the row says');
    if (json === null || isWhole) {
      const expected = json === null ? null : 'in-event';
      this.must(after.results === expected, 'I22', () => `results are ${after.results}, not ${expected}`);
      return;
    }
    const { key = '' } = typeof after.results === 'object' && after.results !== null ? after.results : {};
    this.must(
      this.#saved.get(key) === json,
      'I22',
      () => 'results are not in the document that the row names',
    );
  }

  #judgeFirstWait(before: UnfinishedJob, { webhook }: FinishedJob): void {
    this.must((before.webhook === null) === (webhook === null), 'I2', () => 'a webhook is lost');
    if (webhook === null) return;
    const expected = webhook.status === 'pending' ? webhook.expectedWakeUp : null;
    this.must(expected !== null, 'I2', () => 'a webhook awaits nothing');
    const { seq, dueAt } = expected;
    const wait = firstWaitMillis(this.world.settings.webhookSchedule, this.fraction);
    this.must(seq === 1, 'I19', () => `a chain of deliveries begins at ${seq}`);
    this.must(dueAt === this.now + wait, 'I2', () => `the first attempt waits for ${dueAt - this.now} ms`);
  }

  /** The first message of a chain of deliveries: the one that the row names. */
  protected judgeStart(message: DeliverMessage, delaySeconds: number): void {
    const { webhook = null } = this.ended ?? (this.row as FinishedJob);
    const expected = webhook?.status === 'pending' ? webhook.expectedWakeUp : null;
    this.must(expected !== null, 'I13', () => 'a delivery is started that is none');
    this.must(this.ended !== null || expected.seq === 1, 'I13', () => 'a delivery is started anew');
    this.same('I12', 'a first delivery is', message, { jobId: this.jobId, wakeUp: expected, attempts: 0 });
    const delay = sqsDelaySeconds(expected.dueAt, this.now);
    this.must(delaySeconds === delay, 'I2', () => `a first delivery is delayed by ${delaySeconds} s`);
    this.#isStarted = true;
  }

  protected get isStarted(): boolean {
    return this.#isStarted;
  }

  #judgeFinishTold({ fields, metrics }: Told): void {
    const { ended } = this;
    this.must(ended !== null, 'I26', () => 'an end is told that has not been written');
    const seconds = (ended.finishedAt - ended.createdAt) / 1000;
    this.same('I26', 'an end is told as', fields, {
      outcome: ended.status,
      job_id: this.jobId,
      client: ended.client,
      model_id: ended.modelId,
      total_tasks: ended.totalTasks,
      completed_tasks: ended.completedTasks,
      failed_tasks: ended.failedTasks,
      age_seconds: seconds,
      ...(ended.error && { cause: ended.error.code }),
    });
    const code = ended.error?.code;
    const { results: given = null } = this.#end ?? {};
    this.same('I26', 'an end is measured as', metrics, {
      [ENDED[ended.status]]: 1,
      JobSeconds: seconds,
      ...(this.row?.status === 'running' || this.report ? { PollsPerJob: this.place } : {}),
      ...(code === 'submission_unknown' && { UnknownSubmissions: 1 }),
      ...(code === 'results_too_large' && { ResultsTooLarge: 1 }),
      ...(code === 'results_unreadable' && { ResultsUnreadable: 1 }),
      ...(given && given.missing > 0 && { ResultsMissing: given.missing }),
      ...(given && given.surplus > 0 && { ResultsSurplus: given.surplus }),
    });
  }

  /** Of the wake-up by which the job has come so far. */
  protected get place(): number {
    return this.row?.status === 'running' ? this.row.expectedWakeUp.seq : 0;
  }
}

function isEnd(job: Job): job is FinishedJob {
  return job.status !== 'submitting' && job.status !== 'running';
}

function omitResults({ results, ...end }: End): Omit<End, 'results'> {
  return end;
}
