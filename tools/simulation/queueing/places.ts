import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { type FinishedJob, isFinished, type Job, type Millis } from '../../../functions/core/job.ts';
import { SUBMIT_LEASE_MILLIS } from '../../../functions/core/limits.ts';
import type { Span } from '../../../functions/core/polling/forecast.ts';
import { decoded } from '../../../functions/core/polling/lessons.ts';
import type { Item } from '../../../test/cloud/expressions.ts';
import { must } from '../judge.ts';
import type { Simulation } from '../simulation.ts';
import type { ForLater } from './for-later.ts';
import type { QueueSystem } from './system.ts';
import type { Asked, UpstreamJob } from './upstream.ts';

const MINUTE = 60_000;
/** So long is a place kept for a job that may exist, and longer if such jobs were seen to take longer. */
const HOLD_MILLIS = 10 * MINUTE;
/** How far the clocks of who takes a place and who looks after it are apart. */
const SKEW_MILLIS = 6000;
/** From one look at the places to the next, while nobody waits. */
const REFUSED_SECONDS = 25;
/** How long a function remembers what jobs have taken, and a call of its own. */
const MEMORY_MILLIS = 70_000;
/** Longer than a function may run. */
const UNDER_WAY_MILLIS = 50_000;

/** A place in somebody's hands. */
interface Take {
  number: number;
  jobId: string;
  token: string;
  at: Millis;
  /** With this place. */
  asked: Asked[];
}

/** Who has a place at ModelStudio, and whether rightly so. */
export class Places {
  readonly #sim: Simulation;
  readonly #jobsAtOnce: number | null;
  readonly #jobs: ReadonlyMap<string, Job>;
  readonly #forLater: ForLater;
  readonly #calmFor: (millis: Millis) => boolean;
  readonly #held = new Map<number, Take>();
  /** Of each job there, with which place it was created. */
  readonly #takes = new Map<UpstreamJob, Take>();
  /** Given away by a release that could not read whose they were. */
  readonly #forgotten = new Set<Take>();
  /** Ids of those there that a row has named. */
  readonly #known = new Set<string>();
  /** What the longest job seen had taken at least and at most, from when on; at first, all have taken less than a place is kept anyway. */
  readonly #seen: { at: Millis; least: Millis; most: Millis }[] = [
    { at: Number.NEGATIVE_INFINITY, least: 0, most: 0 },
  ];
  /** When a job last could not be given a place. */
  #fullAt: Millis = Number.NEGATIVE_INFINITY;

  /** The first one that was refused for want of a place since there is one. */
  #refusedAt: Millis = Number.NEGATIVE_INFINITY;

  /** @param calmFor whether nothing has gone wrong for so long */
  constructor({ sim, settings, jobs, forLater }: QueueSystem, calmFor: (millis: Millis) => boolean) {
    this.#sim = sim;
    this.#jobsAtOnce = settings.jobsAtOnce;
    this.#jobs = jobs;
    this.#forLater = forLater;
    this.#calmFor = calmFor;
  }

  /** For whoever waits: until then, there was none. */
  get fullUntil(): Millis {
    return this.#fullAt;
  }

  /** For want of a place. The first such refusal lets the places be looked after. */
  refused(calmSince: Millis): void {
    this.#lookForFree();
    const { now } = this.#sim;
    if (this.#refusedAt < Math.max(this.#fullAt, calmSince)) this.#refusedAt = now;
    const seconds = (now - this.#refusedAt) / 1000;
    must(seconds < REFUSED_SECONDS, 'I21', () => `for ${seconds} s, no job has had the place that is free`);
  }

  /** Every few seconds. */
  look(calmSince: Millis): void {
    this.#lookForFree();
    this.#judgeKept(calmSince);
  }

  wrote(key: string, item: Item | null): void {
    const number = Number(key.slice('place/'.length));
    const { now } = this.#sim;
    const isIn = this.#jobsAtOnce !== null && number >= 1 && number <= this.#jobsAtOnce;
    must(isIn, 'I21', () => `there is no ${key}`);
    must(item !== null, 'I21', () => `${key} is removed`);
    const before = this.#held.get(number);
    const after = takeIn(number, item);
    this.#sim.note(`${key} ${after ? `is of ${after.jobId}` : 'is free'}`);
    if (before && after) {
      const isSame = before.token === after.token && before.at === after.at;
      must(isSame, 'I21', () => `${key} of ${before.jobId} is given to ${after.jobId}`);
      return;
    }
    if (before) {
      must(this.#mayLeave(before), 'I21', () => `${before.jobId} loses ${key}, and may still need it`);
      this.#held.delete(number);
    } else if (after) {
      const isNow = Math.abs(now - after.at) < SKEW_MILLIS + 8000;
      must(isNow, 'I21', () => `${key} is taken ${(now - after.at) / 1000} s ago`);
      this.#held.set(number, after);
    }
    this.#lookForFree();
  }

  /** A row of a job. */
  knows(job: Job): void {
    const upstreamJobId = job.status === 'running' ? job.upstreamJobId : job.place?.upstreamJobId;
    if (upstreamJobId !== undefined) this.#known.add(upstreamJobId);
  }

  /** A row of the durations, of which all jobs here share one. */
  learns(item: Item | null): void {
    const slots = Object.entries(item ?? {}).filter(([name]) => /^s\d+$/.test(name));
    const spans = slots.flatMap(([, value]: [string, AttributeValue]) => decoded(Number(value.N)).took ?? []);
    const longest = (end: keyof Span) => 1000 * Math.max(0, ...spans.map((span) => span[end]));
    this.#seen.push({ at: this.#sim.now, least: longest('from'), most: longest('to') });
  }

  /** ModelStudio is asked to create a job; what came of it has happened. */
  asked(asked: Asked, job: Job | undefined, all: readonly UpstreamJob[]): void {
    if (this.#jobsAtOnce === null) return;
    const take = this.#held.get(job?.place?.number ?? 0);
    const isHeld = take !== undefined && take.token === job?.place?.token;
    must(isHeld, 'I21', () => `${asked.marker} is given to ModelStudio without a place`);
    take.asked.push(asked);
    if (asked.job === null) return;
    this.#takes.set(asked.job, take);
    const running = all.filter((each) => this.#counts(each)).length;
    must(running <= this.#jobsAtOnce, 'I21', () => `${running} jobs run at ModelStudio at once`);
  }

  /** One that may have been created counts until its place may be given away. */
  #counts(job: UpstreamJob): boolean {
    const take = this.#takes.get(job);
    if (job.endsAt <= this.#sim.now || take === undefined || this.#forgotten.has(take)) return false;
    return this.#known.has(job.id) || !this.#isOver(take);
  }

  /** The place of a job that may exist is given away some time later. */
  #isOver({ at }: Take): boolean {
    return this.#sim.now >= at + this.#holdMillis(Math.min) - SKEW_MILLIS;
  }

  #holdMillis(pick: (...each: number[]) => number): Millis {
    const { now } = this.#sim;
    const from = this.#seen.findLastIndex(({ at }) => at < now - MEMORY_MILLIS);
    const lately = this.#seen.slice(from).map(({ least, most }) => (pick === Math.min ? least : most));
    // If it cannot be read, nothing is known.
    const isRead = pick === Math.max || this.#calmFor(2 * MEMORY_MILLIS);
    return Math.max(HOLD_MILLIS, isRead ? pick(...lately) : 0);
  }

  #mayLeave(take: Take): boolean {
    const { now, acting } = this.#sim;
    const isUnread = acting?.release !== 'later' && this.#forLater.isRow(take.jobId);
    if (isUnread && now >= take.at + HOLD_MILLIS - SKEW_MILLIS) {
      this.#forgotten.add(take);
      return true;
    }
    const isRunning = take.asked.some(({ job }) => job && this.#known.has(job.id) && job.endsAt > now);
    if (isRunning) return false;
    const isEnded = take.asked.every(({ outcome, job }) =>
      outcome === 'created' ? job !== null && job.endsAt <= now : outcome !== 'unknown',
    );
    return isEnded || this.#isOver(take);
  }

  /** Whether each place is taken, as far as one can know. */
  #lookForFree(): void {
    const taken = [...this.#held.values()].filter((take) => this.#isTaken(take)).length;
    if (this.#jobsAtOnce !== null && taken >= this.#jobsAtOnce) this.#fullAt = this.#sim.now;
  }

  #isTaken(take: Take): boolean {
    const { now } = this.#sim;
    // Whoever cannot read whose it is gives it away in time.
    const isUnread = this.#forLater.readSince(take.jobId, 'create') > now;
    if (isUnread) return now < take.at + HOLD_MILLIS + SKEW_MILLIS;
    if (isAtWork(this.#rowOf(take))) return true;
    const known = take.asked.flatMap(({ job }) => (job && this.#known.has(job.id) ? [job] : []));
    if (known.length > 0) return known.some(({ endsAt }) => endsAt > now);
    // Of a worker that died before it asked, nobody can know that it did not.
    const isUnknown = this.#rowOf(take) !== undefined;
    // Whoever may be resubmitted forgets its place, with which it may have been created.
    const isSpent = mayExist(take) || isUnknown || this.#jobs.get(take.jobId)?.submissions;
    const keptMillis = isSpent ? this.#holdMillis(Math.max) : SUBMIT_LEASE_MILLIS;
    return now < take.at + keptMillis + SKEW_MILLIS;
  }

  /** The row that names the place. */
  #rowOf({ jobId, token }: Take): Job | undefined {
    const job = this.#jobs.get(jobId);
    return job?.place?.token === token ? job : undefined;
  }

  /** While nothing goes wrong, nobody keeps a place whose job has ended or was never created. */
  #judgeKept(calmSince: Millis): void {
    const { now } = this.#sim;
    for (const take of this.#held.values()) {
      if (take.at < calmSince || now - take.at < UNDER_WAY_MILLIS) continue;
      const job = this.#rowOf(take);
      const isNeeded = job && isFinished(job) ? mayRun(job) : isAtWork(job) || mayExist(take);
      const readSince = this.#forLater.readSince(take.jobId, 'create');
      const since = Math.max(take.at, job?.updatedAt ?? 0, readSince);
      const isKept = !isNeeded && now - since > UNDER_WAY_MILLIS;
      must(!isKept, 'I21', () => `place/${take.number} is kept for ${take.jobId}, which is ${job?.status}`);
    }
  }
}

function isAtWork(job: Job | undefined): boolean {
  return job?.status === 'submitting' || job?.status === 'running';
}

/** ModelStudio has not said how it ended. */
function mayRun({ status, error }: FinishedJob): boolean {
  return status === 'cancelled' || status === 'expired' || error?.code === 'submission_unknown';
}

function mayExist({ asked }: Take): boolean {
  return asked.some(({ outcome }) => outcome === 'created' || outcome === 'unknown');
}

function takeIn(number: number, item: Item | null): Take | null {
  const token = item?.['token']?.S;
  const isFree = item?.['queueName'] !== undefined;
  must(isFree !== (token !== undefined), 'I21', () => `place/${number} is neither free nor taken`);
  const [jobId = '', takenAt] = [item?.['takenBy']?.S, item?.['takenAt']?.N];
  return token === undefined ? null : { number, jobId, token, at: Number(takenAt), asked: [] };
}
