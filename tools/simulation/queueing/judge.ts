import { isFinished, type Job, type Millis } from '../../../functions/core/job.ts';
import { GATE_ID, type Gate } from '../../../functions/core/queue/gate.ts';
import { jobOf } from '../../../test/cloud/contents.ts';
import type { Item } from '../../../test/cloud/expressions.ts';
import { unmarshall } from '../../../test/cloud/items.ts';
import { judgeText, judgeWrite, must } from '../judge.ts';
import { openedRow } from '../releases.ts';
import type { Acting } from '../simulation.ts';
import { Places } from './places.ts';
import { Probes } from './probes.ts';
import type { QueueSystem } from './system.ts';
import { Turns } from './turns.ts';
import type { Asked } from './upstream.ts';

const MINUTE = 60_000;
/** A sweep a minute, and the time that one takes. */
const TWO_SWEEPS = 2 * MINUTE + 10_000;
const LINGER = 45_000;
const PROBE_MAX = 15_000;
/** Places are looked after once in a pass, while ModelStudio takes jobs. */
const LOOKED_AFTER = 20_000;
/** SQS counts in seconds, and a create takes its time. */
const SLACK = 4000;
const PASSES_A_MINUTE_MAX = 90;
const RETRY_AFTER_MAX_SECONDS = 300;

/** The lease of a pass, the time after which its chain counts as lost, and a sweep. */
export const RESCUE_MILLIS = 4 * MINUTE;

/** Whether nothing but ModelStudio does anything odd, from when on. */
export interface Calm {
  since: Millis;
  /** How long the queue takes to get over what was before. */
  afterMillis: Millis;
  /** Some calls take seconds. */
  isSlow: boolean;
}

/** What must hold of the queue at every moment. */
export class QueueJudge {
  readonly jobs: Map<string, Job>;
  readonly #system: QueueSystem;
  readonly #calm: Calm;
  #gate: Gate | null = null;
  #phaseSince: Millis;
  /** Since when each has waited, without being tried. */
  readonly #queuedSince = new Map<string, Millis>();
  readonly #turns: Turns;
  readonly #places: Places;
  readonly #probes = new Probes();
  /** Who has the queue's lease, and in which invocation. */
  #holder: Acting | null = null;
  #heldBy: unknown = null;
  /** Whether ModelStudio had been asked with these, the sweeper could not know. */
  readonly #doubted = new Set<string>();
  /** By then, whatever ModelStudio has asked for is over. */
  #asksAgainAt: Millis = 0;
  /** When ModelStudio was last asked with a queued job, or one whose time was up had its turn. */
  #lastTurnAt: Millis = 0;
  /** When not all queued jobs were those of a later release. */
  #lastReadyAt: Millis = 0;

  constructor(system: QueueSystem, calm: Calm) {
    this.#system = system;
    this.#calm = calm;
    this.jobs = system.jobs;
    this.#turns = new Turns(system.sim);
    this.#places = new Places(system, (millis) => this.#calmFor(millis));
    this.#phaseSince = system.sim.now;
    system.cloud.tables.jobs.onWrite = (key, item) => this.#wrote(key, item);
    system.cloud.tables.durationStats.onWrite = (bucket, item) => {
      if (bucket === 'backpressure') return;
      this.#places.learns(item);
      system.sim.judge(() => system.lessons.wrote(bucket, item));
    };
    system.upstream.onCreate = (asked) => this.#asked(asked);
  }

  /** For so long, nothing but ModelStudio has done anything odd. */
  #calmFor(millis: Millis): boolean {
    return this.#system.sim.now - this.#calm.since >= millis;
  }

  #wrote(key: string, item: Item | null): void {
    if (item) judgeText('a row', JSON.stringify(item));
    if (key === GATE_ID) this.#wroteGate(item);
    else if (key.startsWith('turn/')) this.#turns.wrote(key, Number(item?.['turn']?.N), this.#calmFor(SLACK));
    else if (key.startsWith('place/')) this.#places.wrote(key, item);
    else if (!key.startsWith('lane/')) this.#wroteJob(key, item);
  }

  #wroteJob(key: string, item: Item | null): void {
    const { sim, keeping } = this.#system;
    keeping.judgeWrite(key);
    const before = this.jobs.get(key);
    this.#queuedSince.delete(key);
    if (item === null) {
      must(before?.status === 'submitting', 'I5', () => `${key} is removed while ${before?.status}`);
      this.jobs.delete(key);
      return;
    }
    const after = jobOf(openedRow(item));
    judgeWrite(before, after);
    sim.traces.wrote(after);
    sim.note(`row ${key} ${after.metadata['marker']} v${after.version} ${after.status} ${errorOf(after)}`);
    if (after.status === 'queued') {
      this.#queuedSince.set(key, sim.now);
      const isNew = before?.queueing?.turn !== after.queueing.turn;
      if (isNew && this.#calmFor(SLACK)) this.#turns.judge(after, [...this.jobs.values()]);
      if (sim.acting?.name === 'sweep' && !this.#isCalm(key)) this.#doubted.add(key);
    }
    this.jobs.set(key, after);
    this.#places.knows(after);
    if (isFinished(after) && before && !isFinished(before)) this.#judgeEnd(after);
  }

  #wroteGate(item: Item | null): void {
    const row = unmarshall(item ?? {}) as { gate?: Gate };
    if (!row.gate) return;
    const { sim } = this.#system;
    if (row.gate.phase !== this.#gate?.phase) this.#phaseSince = sim.now;
    this.#gate = row.gate;
    this.#turns.letThrough(row.gate.virtualTime);
    const { phase, leaseUntil, expectedWakeUp } = row.gate;
    if (sim.acting?.name === 'create' && leaseUntil > sim.now) {
      this.#holder = sim.acting;
      this.#heldBy = sim.acting.invocationOrNull;
    }
    sim.note(`gate ${phase}, lease ${(leaseUntil - sim.now) / 1000} s, expects ${expectedWakeUp?.seq}`);
  }

  #judgeEnd(job: Job): void {
    const { sim, upstream } = this.#system;
    const asked = upstream.of(job.metadata['marker'] ?? '');
    const mayExist = asked.some(({ outcome }) => outcome === 'created' || outcome === 'unknown');
    const error = errorOf(job);
    if (error === 'never_submitted' && sim.acting?.name === 'create') this.#lastTurnAt = sim.now;
    must(error !== 'never_submitted' || !mayExist, 'I4', () => `${job.jobId} may exist, and ends ${error}`);
    if (error === 'modelstudio_invalid_request' || error === 'model_not_found')
      must(asked.at(-1)?.outcome === 'at fault', 'I21', () => `${job.jobId} ends ${error} for no reason`);
    const isUnknown = error === 'submission_unknown' && !mayExist && !this.#doubted.has(job.jobId);
    must(!isUnknown || !this.#isCalm(job.jobId), 'I21', () => `${job.jobId} ends ${error}`);
  }

  #isCalm(jobId: string): boolean {
    const { sim, forLater } = this.#system;
    return this.#calmFor(20 * MINUTE) && sim.now - forLater.readSince(jobId, 'sweep') > 20 * MINUTE;
  }

  #asked(asked: Asked): void {
    const { sim } = this.#system;
    const waitsUntil = asked.at + 1000 * Math.min(RETRY_AFTER_MAX_SECONDS, asked.retryAfterSeconds);
    this.#asksAgainAt = Math.max(this.#asksAgainAt, waitsUntil);
    const job = [...this.jobs.values()].find(({ metadata }) => metadata['marker'] === asked.marker);
    if (job) this.#system.keeping.judgeUse(job.jobId, 'gives to ModelStudio');
    this.#places.asked(asked, job, this.#system.upstream.jobs);
    if (!asked.isQueued) return void this.#judgeLine(asked);
    const { acting } = sim;
    const isHolder = acting === this.#holder && acting?.invocationOrNull === this.#heldBy;
    must(isHolder, 'I21', () => 'two workers let jobs through at once');
    this.#turns.asked(job?.queueing?.turn ?? 0);
    this.#lastTurnAt = asked.at;
    if (job?.queueing && !this.#calm.isSlow && this.#calmFor(MINUTE)) this.#judgeOrder(job);
    this.#probes.asked(asked, job, this.#calmFor(this.#calm.afterMillis));
  }

  /** A job that may not wait. */
  refused(marker: string, askedAt: Millis): void {
    const { sim, upstream } = this.#system;
    const isAsked = upstream.of(marker).some(({ at }) => at >= askedAt);
    const isBehindOthers = this.#gate?.phase === 'draining' || sim.now - this.#phaseSince < SLACK;
    if (isAsked || isBehindOthers || this.#calm.isSlow || sim.rollout !== null) return;
    sim.judge(() => this.#places.refused(this.#calm.since + this.#calm.afterMillis));
  }

  /** Where the places are few, none goes past those who wait, once the gate has said that they do. */
  #judgeLine({ marker }: Asked): void {
    const { sim, settings } = this.#system;
    const isSaid = this.#gate?.phase === 'draining' && sim.now - this.#phaseSince > SLACK;
    if (settings.jobsAtOnce === null || !isSaid || this.#calm.isSlow || !this.#calmFor(MINUTE)) return;
    const before = [...this.#queuedSince].find(([, since]) => sim.now - since > SLACK)?.[0];
    must(before === undefined, 'I24', () => `${marker} goes past ${before}, which waits`);
  }

  /** Those whose turn is earlier are let through earlier, unless they have come just now. */
  #judgeOrder({ jobId, queueing }: Job): void {
    const turn = queueing?.turn ?? 0;
    const { sim, forLater } = this.#system;
    for (const [other, since] of this.#queuedSince) {
      const waits = this.jobs.get(other);
      const isLeft = sim.acting?.release !== 'later' && waits && forLater.isToCreate(waits);
      const own = isLeft ? turn : (waits?.queueing?.turn ?? turn);
      const isLate = sim.now - since > SLACK;
      must(own >= turn || !isLate, 'I24', () => `${jobId} with turn ${turn} before ${other} with ${own}`);
    }
  }

  /** Every few seconds. */
  look(): void {
    const { sim, cloud, passes, settings, forLater } = this.#system;
    const { now } = sim;
    const waiting = [...this.#queuedSince].flatMap(([jobId, since]) => {
      const job = this.jobs.get(jobId);
      return job?.status === 'queued' ? [{ job, since }] : [];
    });
    for (const { job } of waiting) {
      const endsAt = Math.min(job.queueing?.until ?? 0, job.expiresAt);
      const until = Math.max(endsAt, forLater.readSince(job.jobId, 'sweep'));
      const isKept = now - until > TWO_SWEEPS && this.#calmFor(TWO_SWEEPS);
      must(!isKept, 'I21', () => `${job.jobId} waits ${(now - until) / 1000} s too long`);
    }
    const first = Math.min(...waiting.map(({ since }) => since));
    const ready = waiting.map(({ job, since }) => Math.max(since, forLater.createdSince(job)));
    if (this.#gate?.phase === 'idle' && waiting.length > 0) {
      const both = now - Math.max(first, this.#phaseSince, this.#calm.since);
      must(both <= LINGER + MINUTE, 'I12', () => `a job waits for ${both / 1000} s at an idle gate`);
    }
    this.#places.look(this.#calm.since);
    const free = this.#places.fullUntil;
    const unread = forLater.unreadDueAt + RESCUE_MILLIS;
    const calmSince = this.#calm.since + this.#calm.afterMillis;
    const moved = Math.max(calmSince, this.#asksAgainAt, this.#lastTurnAt, free, unread);
    if (ready.length === 0 || ready.some(Number.isFinite)) this.#lastReadyAt = now;
    this.#judgeWay(Math.max(moved, this.#lastReadyAt));
    const idle = now - Math.max(moved, Math.min(...ready));
    const isOpen = settings.jobsAtOnce !== null && !this.#calm.isSlow && this.#gate?.pace.refusedProbes === 0;
    // Where each read takes seconds, a pass does not get past all the jobs of a later release, nor does one that began before its return.
    const isUnread = ({ job }: (typeof waiting)[number]) => forLater.createdSince(job) > now - 3 * PROBE_MAX;
    const isBehind = this.#calm.isSlow && waiting.some(isUnread);
    const longest = isBehind ? 2 * RESCUE_MILLIS : isOpen ? LOOKED_AFTER : 3 * PROBE_MAX;
    const isLeft = waiting.length > 0 && idle > longest;
    must(!isLeft, 'I21', () => `jobs wait, and nobody has asked for ${idle / 1000} s`);
    const lately = passes.filter((at) => at > now - MINUTE).length;
    must(lately <= PASSES_A_MINUTE_MAX, 'I19', () => `${lately} passes a minute`);
    if (this.#calmFor(TWO_SWEEPS)) for (const key of cloud.objects.keys()) this.#judgeObject(key);
  }

  /** While a later release is gone, its jobs make no others wait. @param readySince until then, others were there */
  #judgeWay(readySince: Millis): void {
    const { sim, forLater } = this.#system;
    const since = Math.max(readySince, this.#phaseSince, forLater.goneSince('create'));
    const isHeldUp = this.#gate?.phase === 'draining' && !this.#calm.isSlow && sim.now - since > MINUTE;
    must(!isHeldUp, 'I24', () => 'jobs would have to wait behind those of a later release');
  }

  /** A request is stored for as long as its job waits. */
  #judgeObject(key: string): void {
    const [folder, jobId = ''] = key.split('/');
    if (folder !== 'requests') return;
    const job = this.jobs.get(jobId);
    const isNeeded = job?.status === 'queued' || job?.status === 'submitting';
    const since = job ? Math.max(job.updatedAt, this.#calm.since) : this.#calm.since;
    const { sim, unremoved, forLater } = this.#system;
    const readSince = Math.max(since, forLater.readSince(jobId, 'sweep'));
    const isKept = !isNeeded && !unremoved.has(key) && sim.now - readSince > TWO_SWEEPS + 30_000;
    must(!isKept, 'I17', () => `${key} is stored, and its job is ${job?.status}`);
  }
}

function errorOf(job: Job): string {
  return isFinished(job) ? (job.error?.code ?? '') : '';
}
