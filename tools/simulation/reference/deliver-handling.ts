import type { Attempt, FinishedJob, Job, Millis, PendingJob, WakeUp } from '../../../functions/core/job.ts';
import { FUNCTIONS } from '../../../functions/core/limits.ts';
import type { DeliverMessage, PollMessage } from '../../../functions/core/messages.ts';
import { sqsDelaySeconds } from '../../../functions/core/sqs-delay.ts';
import { type AttemptOutcome, afterAttempt, type Verdict } from '../../../functions/core/webhook/attempt.ts';
import type { QueueName } from '../../../test/cloud/cloud.ts';
import type { HandledWorld } from '../../../test/cloud/handlers.ts';
import { Handling } from './handling.ts';

/** Queues deliver up to a second early. */
const EARLY_MILLIS = 1000;

const SETTLED = {
  delivered: 'WebhooksDelivered',
  exhausted: 'WebhooksExhausted',
  gone: 'WebhooksGone',
  blocked: 'WebhooksBlocked',
} as const;

/** Half a day before a row may go. */
const ROUND_MILLIS = 8.5 * 86_400_000;

type Message = 'no_job' | 'stale' | 'early' | 'claimed' | 'due' | 'held';

/** What a delivery must do: claim the webhook, make one attempt, and record what came of it. */
export class DeliverHandling extends Handling {
  readonly #message: DeliverMessage;
  /** What the message is to the row as it was last read. */
  #kind: Message = 'no_job';
  /** The row as this worker has claimed it. */
  #claim: PendingJob | null = null;
  #isReleased = false;
  #round: number | null = null;
  #isRecorded = false;
  #body: string | null = null;
  #posts = 0;
  #answer: { outcome: AttemptOutcome; at: Millis } | null = null;
  #heldUntil: Millis | null = null;
  #sent: WakeUp | null = null;
  #sentAt: Millis | null = null;

  constructor(message: DeliverMessage, world: HandledWorld) {
    super(message.jobId, world);
    this.#message = message;
  }

  override found(row: Job | null): void {
    super.found(row);
    this.#decide();
  }

  /** Besides the row, it has read which receivers hang: it decides when it has both. */
  looked(): void {
    this.#decide();
  }

  #decide(): void {
    if (this.row === undefined || this.#sent !== null) return;
    this.#kind = this.#kindFor(this.row);
    this.#round = roundOf(this.row);
  }

  /** Until when its receiver must be left alone, if it must. */
  held(until: Millis | null): void {
    this.must(
      this.#kind === 'due',
      'I24',
      () => `a receiver is asked for by a message that is ${this.#kind}`,
    );
    if (until === null || until >= this.#roundEndsAt) return;
    this.#kind = 'held';
    this.#heldUntil = until;
  }

  get #roundEndsAt(): Millis {
    const { webhook, finishedAt } = this.#claim ?? this.#pending;
    return (webhook.redelivered?.at ?? finishedAt) + ROUND_MILLIS;
  }

  #kindFor(row: Job | null): Message {
    if (row === null || !('finishedAt' in row)) return 'no_job';
    const { webhook } = row;
    const { seq, token, dueAt } = this.#message.wakeUp;
    const expected = webhook?.status === 'pending' ? webhook.expectedWakeUp : null;
    if (expected === null || seq < expected.seq || (seq === expected.seq && token !== expected.token))
      return 'stale';
    if (dueAt - this.now > EARLY_MILLIS) return 'early';
    return webhook?.status === 'pending' && (webhook.leaseUntil ?? 0) > this.now ? 'claimed' : 'due';
  }

  get #pending(): PendingJob {
    return this.row as PendingJob;
  }

  loaded(key: string, body: string): void {
    this.must(key === this.#claim?.event.key, 'I3', () => `${key} is read, which is not the event`);
    this.#body = body;
  }

  /** Before it is sent. */
  posting({ id, url }: { id: string; url: string }, body: string): void {
    this.must(this.#claim !== null, 'I14', () => 'an attempt is made without a claim');
    this.must(++this.#posts === 1, 'I14', () => `${this.#posts} attempts are made for one message`);
    const { webhook } = this.#claim ?? this.#pending;
    this.must(id === webhook.id && url === webhook.url, 'I3', () => `${id} is sent to ${url}`);
    this.must(body === this.#body, 'I3', () => 'another body is sent than the event');
  }

  posted(outcome: AttemptOutcome): void {
    this.#answer = { outcome, at: this.now };
  }

  /** Counted by whoever knows more of them. */
  get #attempts(): number {
    return Math.max((this.#claim ?? this.#pending).webhook.attempts, this.#message.attempts) + 1;
  }

  #verdict(outcome: AttemptOutcome): Verdict {
    // Of the round in which it was claimed: an app may have begun another since.
    const inRound = this.#attempts - (this.#claim ?? this.#pending).webhook.attemptsBefore;
    const left = this.#roundEndsAt - (this.#answer?.at ?? this.now);
    return afterAttempt(outcome, inRound, this.world.settings.webhookSchedule, this.fraction, left);
  }

  sending(queue: QueueName, message: PollMessage | DeliverMessage, delaySeconds: number): void {
    this.must(
      queue === 'deliver' && this.#sent === null,
      'I19',
      () => `a second wake-up is sent to ${queue}`,
    );
    const { wakeUp: last, attempts } = this.#message;
    const { token } = message.wakeUp;
    const expected = this.#following();
    this.must(expected !== null, 'I13', () => 'a wake-up is sent that nobody needs');
    const wakeUp = { seq: last.seq + 1, token, dueAt: expected };
    const made = this.#answer === null ? attempts : this.#attempts;
    this.same('I12', 'the next wake-up is', message, { jobId: this.jobId, wakeUp, attempts: made });
    this.must(token !== last.token, 'I19', () => 'a wake-up has the token of the last');
    const delay = Math.max(1, sqsDelaySeconds(expected, this.now));
    this.must(delaySeconds === delay, 'I2', () => `an attempt is delayed by ${delaySeconds} s, not ${delay}`);
    this.#sent = message.wakeUp;
    this.#sentAt = this.now;
  }

  /** When the next wake-up is due: after an attempt that failed, or where a long wait goes on. */
  #following(): Millis | null {
    if (this.#answer === null) return this.#kind === 'early' ? this.#message.wakeUp.dueAt : this.#heldUntil;
    const verdict = this.#verdict(this.#answer.outcome);
    return verdict.step === 'retry' ? this.now + verdict.waitMillis : null;
  }

  protected judgeWrite(after: Job): void {
    const { webhook } = after as FinishedJob;
    const before = (this.#claim ?? this.#pending).webhook;
    const at = this.#answer?.at ?? this.#sentAt ?? this.now;
    this.must(
      [at, this.now].includes(after.updatedAt),
      'I12',
      () => `written at ${after.updatedAt}, says the row`,
    );
    if (this.#claim === null) {
      if (this.#sent === null) this.#judgeClaim(after);
      else this.#judgeHop(after);
      return;
    }
    if (webhook?.status === 'pending' && webhook.attempts === before.attempts) {
      this.must(this.failures > 0 || this.lost > 0, 'I14', () => 'a claim is given back for no reason');
      this.same('I14', 'what is given back is', webhook, { ...before, leaseUntil: null });
      this.#isReleased = true;
      return;
    }
    this.#judgeAttempt(after as FinishedJob);
  }

  #judgeClaim(after: Job): void {
    this.must(this.#kind === 'due', 'I14', () => `a webhook is claimed by a message that is ${this.#kind}`);
    const { webhook } = after as PendingJob;
    const { leaseUntil } = webhook;
    const seconds = ((leaseUntil ?? 0) - this.now) / 1000;
    // Its holder is gone when it ends; the message of a holder that died comes again later.
    const deliver = FUNCTIONS.deliver.timeoutSeconds;
    this.must(deliver < seconds && seconds < 6 * deliver, 'I14', () => `a claim is for ${seconds} s`);
    const { heldUntil, ...claimed } = this.#pending.webhook;
    this.same('I14', 'a claim is', webhook, { ...claimed, leaseUntil });
  }

  #judgeHop(after: Job): void {
    const { webhook } = after as PendingJob;
    const held = this.#heldUntil === null ? {} : { heldUntil: this.#heldUntil };
    this.same('I12', 'a hop is', webhook, { ...this.#pending.webhook, expectedWakeUp: this.#sent, ...held });
    const { expectedWakeUp } = this.#pending.webhook;
    const isFurther = (expectedWakeUp?.seq ?? 0) >= (this.#sent?.seq ?? 0);
    this.must(!isFurther, 'I19', () => 'a hop overtakes a chain that is further on');
    this.must(roundOf(this.row) === this.#round, 'I19', () => 'a hop goes on in the next round');
  }

  override wrote(isWritten: boolean): void {
    super.wrote(isWritten);
    const after = this.tried?.after as PendingJob;
    const { webhook } = after;
    if (isWritten && this.#claim === null && this.#sent === null) this.#claim = after;
    if (isWritten && this.#answer !== null && webhook.attempts === this.#attempts) this.#isRecorded = true;
  }

  #judgeAttempt({ webhook }: FinishedJob): void {
    const [answer, claim] = [this.#answer, this.#claim];
    this.must(answer !== null && claim !== null, 'I14', () => 'an attempt is recorded that was not made');
    const { outcome, at } = answer;
    const verdict = this.#verdict(outcome);
    const { status, expectedWakeUp, leaseUntil, ...kept } = claim.webhook;
    const ends =
      verdict.step === 'settle'
        ? { status: verdict.status, lastSeq: this.#message.wakeUp.seq }
        : { status: 'pending', expectedWakeUp: this.#sent, leaseUntil: null };
    const isAhead = verdict.step === 'settle' || this.#sent !== null;
    this.must(isAhead, 'I12', () => 'an attempt is recorded before the next is sent');
    const from = claim.updatedAt;
    const tried: Attempt = {
      attempt: this.#attempts,
      ...answerIn(outcome),
      at: from,
      durationMillis: at - from,
      nextAttemptAt: verdict.step === 'retry' ? at + verdict.waitMillis : null,
    };
    const log = [...kept.log, tried].slice(-100);
    this.same(
      'I2',
      'an attempt is recorded as',
      { ...webhook },
      {
        ...kept,
        attempts: this.#attempts,
        log,
        ...ends,
      },
    );
  }

  protected override get isGivingBack(): boolean {
    return this.#claim !== null;
  }

  protected endOf(): null {
    return null;
  }

  finished(comesAgainAt: Millis | null): void {
    this.done();
    const { webhook = null } = (this.row ?? {}) as Partial<FinishedJob>;
    const leaseUntil = webhook?.status === 'pending' ? webhook.leaseUntil : null;
    const again = this.#kind === 'claimed' ? leaseUntil : null;
    this.must(
      comesAgainAt === again,
      'I12',
      () => `a message comes again at ${comesAgainAt}, not at ${again}`,
    );
    if (this.#kind === 'due') {
      this.#judgeMade();
      return;
    }
    this.must(this.#posts === 0 && this.#claim === null, 'I13', () => 'an attempt is made in vain');
    if (this.#kind === 'early' || this.#kind === 'held') {
      this.#judgeHopped();
      return;
    }
    const outcome = this.#kind === 'claimed' ? 'under_way' : this.#kind;
    this.#judgeTold({ outcome }, {});
  }

  #judgeHopped(): void {
    const sentAt = this.#sentAt;
    this.must(sentAt !== null, 'I12', () => 'a wait does not go on');
    const wait_seconds = ((this.#heldUntil ?? this.#message.wakeUp.dueAt) - sentAt) / 1000;
    const { client } = this.#pending;
    if (this.#heldUntil === null) this.#judgeTold({ outcome: 'hop', wait_seconds }, {});
    else this.#judgeTold({ outcome: 'held', client, wait_seconds }, { WebhooksHeld: 1 });
    const isTried = this.tried !== null;
    const isWritten = this.tried?.isWritten === true;
    this.must(isTried && (isWritten || this.isAwareOfLoss), 'I19', () => 'a hop is not written down');
  }

  #judgeMade(): void {
    const [answer, claim] = [this.#answer, this.#claim];
    this.must(answer !== null && claim !== null, 'I2', () => 'no attempt is made');
    const { outcome, at } = answer;
    const verdict = this.#verdict(outcome);
    const isGoingOn = verdict.step === 'settle' ? this.#isRecorded : this.#sent !== null;
    this.must(isGoingOn, 'I2', () => 'what came of an attempt is not recorded');
    const isTried = (this.tried?.after as PendingJob | undefined)?.webhook.attempts === this.#attempts;
    this.must(isTried, 'I2', () => 'an attempt is not recorded');
    const { status, error } = answerIn(outcome);
    const millis = at - claim.updatedAt;
    const word = verdict.step === 'settle' ? verdict.status : 'retry';
    const fields = {
      outcome: word,
      client: claim.client,
      attempt: this.#attempts,
      duration_ms: millis,
      ...(verdict.step === 'retry' && { wait_seconds: verdict.waitMillis / 1000 }),
      ...(status !== null && { status }),
      ...(error !== null && { cause: error }),
    };
    this.#judgeTold(fields, {
      WebhookAttempts: 1,
      WebhookFailures: Number(word !== 'delivered'),
      WebhookAttemptSeconds: millis / 1000,
      ...(verdict.step === 'settle' && { [SETTLED[verdict.status]]: 1 }),
    });
  }

  override failed(): void {
    const isAhead =
      this.#kind === 'claimed' && this.#message.wakeUp.seq > (this.#pending.webhook.expectedWakeUp?.seq ?? 0);
    // Whoever loses the row that it has claimed has no more to say.
    const isLost = this.#claim !== null && this.lost > 0;
    if (!isAhead && !isLost) super.failed();
    const isLeft = this.#claim !== null && !this.#isReleased && this.#claim === this.tried?.after;
    this.must(!isLeft, 'I12', () => 'a claim is not given back');
  }

  #judgeTold(fields: object, metrics: object): void {
    const told = this.told.filter(({ stage }) => stage === 'deliver');
    this.must(told.length === 1, 'I26', () => `a delivery is told ${told.length} times`);
    const [first] = told;
    if (!first) return;
    this.same('I26', 'a delivery is told as', first.fields, { job_id: this.jobId, ...fields });
    this.same('I26', 'a delivery is measured as', first.metrics, metrics);
  }
}

function roundOf(row: Job | null | undefined): number | null {
  return row?.webhook?.attemptsBefore ?? null;
}

function answerIn(outcome: AttemptOutcome): Pick<Attempt, 'status' | 'error' | 'location'> {
  if (outcome.kind === 'accepted') return { status: null, error: null };
  if (outcome.kind === 'blocked') return { status: null, error: outcome.error ?? 'blocked' };
  if (outcome.kind === 'failed') return { status: null, error: outcome.error };
  const { status, location } = outcome;
  return { status, error: null, ...(location !== undefined && { location }) };
}
