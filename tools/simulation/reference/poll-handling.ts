import type { Job, Millis, RunningJob, SubmittingJob } from '../../../functions/core/job.ts';
import type { DeliverMessage, PollMessage } from '../../../functions/core/messages.ts';
import { type MetricValues, upstreamMetrics } from '../../../functions/core/metrics.ts';
import { kindOf } from '../../../functions/core/polling/lessons.ts';
import type { PollForecast } from '../../../functions/core/polling/next-poll.ts';
import { extendDeadline } from '../../../functions/core/polling/overdue.ts';
import { sqsDelaySeconds } from '../../../functions/core/sqs-delay.ts';
import { adopted } from '../../../functions/core/transitions.ts';
import { type Next, nextStep } from '../../../functions/core/upstream/next-step.ts';
import { type End, outcomeOf, type Report } from '../../../functions/core/upstream/report.ts';
import type { DurationStats } from '../../../functions/ports.ts';
import type { QueueName } from '../../../test/cloud/cloud.ts';
import type { HandledWorld } from '../../../test/cloud/handlers.ts';
import { Handling } from './handling.ts';

/** Two chains meet in the row after so many polls. */
const UNRECORDED_MAX = 6;

interface SentPoll {
  message: PollMessage;
  /** As it was then. */
  job: RunningJob;
  next: Next;
  at: Millis;
}

/** What a poll must do: ask once, and then end the job or send its next wake-up. */
export class PollHandling extends Handling {
  readonly #message: PollMessage;
  readonly #isRepeat: boolean;
  forecast: PollForecast | null = null;
  throttles = 0;
  readonly lessons: Parameters<DurationStats['record']>[] = [];
  readonly setAside: string[] = [];
  #asks = 0;
  #forecasts = 0;
  #sent: SentPoll | null = null;

  constructor(message: PollMessage, isRepeat: boolean, world: HandledWorld) {
    super(message.jobId, world);
    const { trace, ...others } = message;
    this.#message = others;
    this.#isRepeat = isRepeat;
  }

  asking(upstreamJobId: string): void {
    this.must(++this.#asks === 1, 'I19', () => `ModelStudio is asked ${this.#asks} times for one message`);
    this.must(
      !this.isOver && this.row !== null && !this.#isStale,
      'I13',
      () => 'ModelStudio is asked in vain',
    );
    this.must(
      upstreamJobId === this.#job.upstreamJobId,
      'I1',
      () => `ModelStudio is asked about ${upstreamJobId}`,
    );
  }

  /** As the worker sees the job. */
  get #job(): RunningJob {
    return adopted(this.row as SubmittingJob | RunningJob, this.#message);
  }

  get #kind(): string {
    return kindOf(this.row as Job);
  }

  get #isStale(): boolean {
    if (this.row?.status !== 'running') return false;
    const { seq, token } = this.row.expectedWakeUp;
    const { wakeUp } = this.#message;
    return wakeUp.seq < seq || (wakeUp.seq === seq && wakeUp.token !== token);
  }

  /** Whoever polls a job may know how it ends. */
  enrolls(kind: string): void {
    this.must(false, 'I19', () => `a poll decides who teaches ${kind}`);
  }

  forecasts(bucket: string): void {
    this.#forecasts += 1;
    this.must(bucket === this.#kind, 'I19', () => `polls are planned by those of ${bucket}`);
  }

  #next(now = this.now): Next | null {
    const { report, forecast } = this;
    const { polledAt } = this.#message;
    const { isCollector } = this.world.settings;
    return report && forecast && nextStep(this.#job, report, { now, polledAt }, forecast, isCollector);
  }

  sending(queue: QueueName, message: PollMessage | DeliverMessage, delaySeconds: number): void {
    if (queue === 'deliver') {
      this.judgeStart(message as DeliverMessage, delaySeconds);
      return;
    }
    this.must(this.#sent === null, 'I19', () => 'a second wake-up is sent');
    const next = this.#next();
    const step = queue === 'collect' ? 'collect' : 'wait';
    this.must(next?.step === step, 'I12', () => `a ${queue} is sent, not to ${next?.step}`);
    const { wakeUp: last, recordedToken, pollsSinceRecord } = this.#message;
    const job = this.#job;
    const { token } = (message as PollMessage).wakeUp;
    const dueAt = this.now + (next.step === 'wait' ? next.seconds * 1000 : 0);
    const isRecorded = this.#mustRecord(job, next, dueAt);
    const isSeen = job.isSeen || this.report?.kind === 'running' || isEnd(this.report);
    this.same('I19', 'the next wake-up is', message, {
      ...this.#message,
      wakeUp: { seq: last.seq + 1, token, dueAt },
      polledAt: this.report?.kind === 'running' ? this.now : this.#message.polledAt,
      isSeen,
      recordedToken: isRecorded ? token : recordedToken,
      pollsSinceRecord: isRecorded ? 0 : pollsSinceRecord + 1,
    });
    this.must(token !== last.token, 'I19', () => 'a wake-up has the token of the last');
    const delay = queue === 'collect' ? 0 : sqsDelaySeconds(dueAt, this.now);
    this.must(delaySeconds === delay, 'I19', () => `a wake-up is delayed by ${delaySeconds} s, not ${delay}`);
    this.#sent = { message: message as PollMessage, job, next, at: this.now };
  }

  /** What is new, and what might be a second chain, is written down; nothing else is. */
  #mustRecord(job: RunningJob, next: Next, dueAt: Millis): boolean {
    const { wakeUp, recordedToken, pollsSinceRecord } = this.#message;
    const isForked = job.expectedWakeUp.token !== wakeUp.token && job.expectedWakeUp.token !== recordedToken;
    const isAdopted = this.row?.status === 'submitting';
    if (this.#isRepeat || isForked || isAdopted || pollsSinceRecord >= UNRECORDED_MAX) return true;
    if (extendDeadline(dueAt, job.wakeUpDeadline) !== job.wakeUpDeadline) return true;
    if (next.step !== 'wait') return false;
    return next.completedTasks !== job.completedTasks || next.doubt?.about !== job.doubt?.about;
  }

  protected judgeWrite(after: Job): void {
    const sent = this.#sent;
    this.must(sent !== null, 'I12', () => 'a poll is written down before the next is sent');
    this.must(
      after.status === 'running' && !this.isOver,
      'I5',
      () => 'a poll is written down of a job that is over',
    );
    const { message, job, next } = sent;
    const { wakeUp, isSeen, recordedToken } = message;
    this.must(recordedToken === wakeUp.token, 'I19', () => 'a poll is written down that says it is not');
    const row = this.#job;
    const { completedTasks, doubt } = next.step === 'wait' ? next : job;
    const { expectedWakeUp, wakeUpDeadline, updatedAt } = after;
    const given = {
      ...{ isSeen: after.isSeen, doubt: after.doubt },
      ...{ completedTasks: after.completedTasks, progressAt: after.progressAt },
    };
    this.same(
      'I12',
      'a poll is written down as',
      { ...given, expectedWakeUp, wakeUpDeadline, updatedAt },
      {
        isSeen,
        doubt,
        completedTasks: Math.max(completedTasks, row.completedTasks),
        progressAt: completedTasks > row.completedTasks ? this.now : row.progressAt,
        expectedWakeUp: wakeUp,
        wakeUpDeadline: extendDeadline(wakeUp.dueAt, row.wakeUpDeadline),
        updatedAt: this.now,
      },
    );
    const isFurther = row.expectedWakeUp.seq >= wakeUp.seq;
    this.must(!isFurther, 'I19', () => 'a chain overtakes one that is further on');
  }

  protected endOf(): End | null {
    // It was decided before the documents were written, which may take until another end is due.
    const next = this.#next(this.endedAt ?? this.now);
    return next?.step === 'finish' ? next.end : null;
  }

  protected override get place(): number {
    return this.#message.wakeUp.seq;
  }

  override done(): void {
    super.done();
    const isRefused = this.report?.kind === 'transient_error' && this.report.cause === 'unavailable';
    this.must(this.throttles === Number(isRefused), 'I19', () => `${this.throttles} refusals are told of`);
    const plans = 1 + this.lost;
    this.must(this.#forecasts <= plans, 'I19', () => `${this.#forecasts} forecasts for one poll`);
    const ends = this.ended !== null && this.report?.kind === 'unreadable' ? 1 : 0;
    this.must(this.setAside.length >= ends, 'I22', () => 'what could not be read is not kept');
    const asides = this.setAside.every((key) => key === `unreadable/${this.jobId}.json`);
    this.must(asides, 'I22', () => `${this.setAside} is set aside`);
    if (this.ended !== null) this.#judgeLast();
    else if (this.#sent !== null) this.#judgeSent(this.#sent);
    else if (this.isOver) this.#judgeOver();
    else {
      const outcome = this.row === null ? 'no_job' : 'stale';
      this.must(
        this.row === null || this.#isStale,
        'I12',
        () => 'a message goes, and no other has been sent',
      );
      this.#judgeTold({ outcome }, {});
    }
  }

  #judgeOver(): void {
    const { webhook = null } = this.row && 'finishedAt' in this.row ? this.row : {};
    const isUnstarted = webhook?.status === 'pending' && webhook.expectedWakeUp?.seq === 1;
    this.must(
      this.isStarted === isUnstarted,
      'I12',
      () => 'a delivery that may not have begun is left alone',
    );
    this.must(this.told.length === 0, 'I26', () => 'a poll is told that was none');
  }

  #judgeSent({ message, job, next, at }: SentPoll): void {
    const { recordedToken, wakeUp } = message;
    const isRecorded = recordedToken === wakeUp.token;
    this.must(isRecorded === (this.tried !== null), 'I19', () => 'a poll says that it is written down');
    const isWritten = this.tried?.isWritten === true;
    const isOutlived =
      this.isAwareOfLoss && (this.row?.status !== 'running' || this.row.expectedWakeUp.seq >= wakeUp.seq);
    this.must(!isRecorded || isWritten || isOutlived, 'I19', () => 'a race that was lost is left at that');
    const { report } = this;
    if (report === null) return;
    const fields = {
      outcome: isRecorded && !isWritten ? 'overtaken' : outcomeOf(report),
      client: job.client,
      completed_tasks: next.step === 'wait' ? next.completedTasks : job.completedTasks,
      total_tasks: job.totalTasks,
      wait_seconds: next.step === 'wait' ? next.seconds : 0,
      age_seconds: (at - job.createdAt) / 1000,
      ...(report.kind === 'transient_error' && { cause: report.cause }),
    };
    this.#judgeTold(fields, metricsOf(report, job));
  }

  /** Only what ModelStudio has reported as ended, and at once, says how long such jobs take, and how late that was seen. Some of them teach it. */
  #judgeLast(): void {
    const { report, lessons } = this;
    if (report === null) return;
    const job = this.#job;
    const isTelling = isEnd(report) && job.doubt === null;
    const { polledAt, slot } = this.#message;
    const at = this.toldAt;
    const lag = isTelling && { DetectionLagSeconds: (at - polledAt) / 1000 };
    this.#judgeTold({ outcome: 'finished' }, { ...metricsOf(report, job), ...lag });
    const since = job.createdAt;
    const from = Math.max(0, polledAt - since) / 1000;
    const to = Math.max(1, at - since) / 1000;
    const isTeaching = isTelling && slot !== undefined;
    const learnt = isTeaching ? [[this.#kind, slot, since, { from, to }]] : [];
    this.same('I19', 'durations are learnt', lessons, learnt);
  }

  #judgeTold(fields: object, metrics: MetricValues): void {
    const told = this.told.filter(({ stage }) => stage === 'poll');
    this.must(told.length === 1, 'I26', () => `a poll is told ${told.length} times`);
    const [first] = told;
    if (!first) return;
    const poll = this.#message.wakeUp.seq;
    this.same('I26', 'a poll is told as', first.fields, { job_id: this.jobId, poll, ...fields });
    this.same('I26', 'a poll is measured as', first.metrics, metrics);
  }
}

function isEnd(report: Report | null): boolean {
  return report?.kind === 'completed' || report?.kind === 'failed' || report?.kind === 'unreadable';
}

function metricsOf(report: Report, { isSeen }: RunningJob): MetricValues {
  const isUnknown = report.kind === 'running' && report.unknownState !== null;
  const cause = {
    too_slow: 'timeout',
    unreadable: 'invalid_response',
    transient_error: report.kind === 'transient_error' ? report.cause : '',
  }[report.kind as string];
  return {
    Polls: 1,
    ...(isUnknown && { UnknownUpstreamStates: 1 }),
    ...(report.kind === 'missing' && isSeen && { UpstreamJobsForgotten: 1 }),
    ...(cause !== undefined && upstreamMetrics(cause)),
  };
}
