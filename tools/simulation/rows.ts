import {
  type DeletedJob,
  type FinishedJob,
  isFinished,
  isPending,
  type Job,
  type JobRow,
  type RunningJob,
} from '../../functions/core/job.ts';
import { overdueAt } from '../../functions/core/polling/overdue.ts';
import { endOfLife } from '../../functions/core/retention.ts';
import type { Contents } from '../../test/cloud/contents.ts';
import type { FunctionName } from '../../test/cloud/handlers.ts';
import type { Delivery } from '../../test/cloud/queue.ts';
import type { Door } from './door/door.ts';
import type { Invocation } from './invocation.ts';
import { judgeText, judgeWrite, must } from './judge.ts';
import { jobIn, type Ledger } from './ledger.ts';
import type { SimulatedModelStudio } from './modelstudio.ts';
import { openedMessage } from './releases.ts';
import type { Simulation } from './simulation.ts';

const SKEW_MAX_MILLIS = 3000;

const KEPT_OF_DELETED = [
  ...['jobId', 'client', 'modelId', 'totalTasks', 'createdAt', 'finishedAt', 'updatedAt'],
  ...['status', 'version', 'leftovers', 'submissions', 'place', 'trace'],
];

/** What the rows are compared with. */
interface Truth {
  readonly ledger: Ledger;
  readonly modelStudio: SimulatedModelStudio;
  readonly contents: Contents;
  readonly door: Door;
}

/** The jobs as their rows have them, each of whose writes is judged. */
export class Rows {
  readonly #sim: Simulation;
  readonly #truth: Truth;
  readonly #jobs = new Map<string, Job>();
  /** What is left of those that their apps have deleted. */
  readonly deleted = new Map<string, DeletedJob>();
  /** Documents that such a job has had. */
  readonly #refs = new Map<string, string[]>();
  /** Which function has ended each. */
  readonly endedBy = new Map<string, FunctionName>();
  /** Which invocation has ended a job. */
  readonly finishers = new Map<string, Invocation>();
  /** By whom each was submitted. */
  readonly #submitters = new Map<string, Invocation>();

  constructor(sim: Simulation, truth: Truth) {
    this.#sim = sim;
    this.#truth = truth;
  }

  get(jobId: string): Job | undefined {
    return this.#jobs.get(jobId);
  }

  all(): Job[] {
    return [...this.#jobs.values()];
  }

  /** Past its time to live, a job is as good as gone, though its row may be there. */
  living(jobId: string): Job | undefined {
    const job = this.#jobs.get(jobId);
    const isOver = job && endOfLife(job, this.#sim.scene.retentionDays) * 1000 <= this.#sim.now;
    return isOver ? undefined : job;
  }

  /** DynamoDB deletes a row, for its time is over: so must be the job, and its event must have outlived it. */
  expired(jobId: string): void {
    if (this.deleted.delete(jobId)) return;
    const job = this.#jobs.get(jobId);
    const isOver = job !== undefined && isFinished(job) && !isPending(job);
    must(isOver, 'I1', () => `the row of ${jobId} is deleted before the job is over`);
    const event = this.#truth.contents.get(job.event.key);
    must(event !== undefined, 'I3', () => `the event of ${jobId} is deleted before its row`);
    this.#jobs.delete(jobId);
  }

  /** Null: the row is gone. */
  wrote(jobId: string, after: JobRow | null): void {
    const before = this.living(jobId);
    if (after?.status === 'deleted') {
      this.#wroteDeleted(before, after);
      return;
    }
    if (this.deleted.has(jobId)) this.#judgeAnew(jobId);
    this.#truth.door.wrote(jobId, after);
    if (after === null) {
      this.#removed(jobId, before);
      return;
    }
    const text = JSON.stringify(after);
    judgeText('a row', text);
    judgeWrite(before, after);
    this.#judgeWriter(before, after);
    this.#judgeTruth(before, after);
    this.#truth.ledger.wrote(before, after, this.#sim.now);
    this.#sim.note(`row ${jobId} v${after.version} ${after.status} ${after.webhook?.status ?? ''}`);
    const { name = 'sweep' } = this.#sim.acting ?? {};
    const webhook = after.webhook?.status ?? null;
    this.#sim.mark?.({ kind: 'row', lane: name, jobId, status: after.status, webhook });
    this.#jobs.set(jobId, after);
  }

  /** First the job is gone for everyone, then its documents are, and only then is nothing left to do. */
  #wroteDeleted(before: Job | undefined, after: DeletedJob): void {
    const { jobId } = after;
    const so = (what: string, holds: boolean) =>
      must(holds, 'I17', () => `of ${jobId}, which is deleted: ${what}`);
    so(
      'more than its id',
      Object.keys(after).every((name) => KEPT_OF_DELETED.includes(name)),
    );
    const left = this.deleted.get(jobId);
    this.#sim.note(`row ${jobId} v${after.version} deleted ${after.leftovers?.length ?? 'for good'}`);
    if (left === undefined) {
      so(
        'it was under way',
        before !== undefined && isFinished(before) && before.webhook?.status !== 'pending',
      );
      const { version, finishedAt, event, results } = before as FinishedJob;
      so('version', after.version === version + 1 && after.finishedAt === finishedAt);
      const own = [event, ...(typeof results === 'object' && results ? [results] : [])].map(({ key }) => key);
      this.#refs.set(jobId, [...own, `unreadable/${jobId}.json`]);
      this.#truth.door.wrote(jobId, 'deleted');
    } else {
      so('version', after.version === left.version + 1);
      so('it is deleted again', after.leftovers === undefined);
      const kept = this.#refs.get(jobId)?.find((key) => this.#truth.contents.get(key) !== undefined);
      so(`${kept} is there`, kept === undefined);
    }
    this.#jobs.delete(jobId);
    this.deleted.set(jobId, after);
  }

  /** Its key is free once its row would have been deleted anyway. */
  #judgeAnew(jobId: string): void {
    const left = this.deleted.get(jobId) as DeletedJob;
    const isOver = endOfLife(left, this.#sim.scene.retentionDays) * 1000 <= this.#sim.now + SKEW_MAX_MILLIS;
    must(isOver, 'I20', () => `${jobId} was deleted, and begins anew`);
    this.deleted.delete(jobId);
  }

  /** What only holds of a write because of who makes it. */
  #judgeWriter(before: Job | undefined, after: Job): void {
    const { acting, now } = this.#sim;
    const { jobId } = after;
    if (acting?.name === 'submit' && before === undefined) this.#submitters.set(jobId, acting.invocation);
    if (acting?.name === 'sweep' && before !== undefined) {
      const at = overdueAt(before) ?? Number.POSITIVE_INFINITY;
      must(at <= now + SKEW_MAX_MILLIS, 'I12', () => `${jobId} is rescued ${(at - now) / 1000} s too early`);
    }
    if (before && isFinished(after) && !isFinished(before) && acting) {
      this.endedBy.set(jobId, acting.name);
      this.finishers.set(jobId, acting.invocation);
    }
    // A poller may know better than its submitter how it has ended.
    const isUnknown = 'error' in after && after.error?.code === 'submission_unknown';
    if (before?.status === 'submitting' && isUnknown) {
      const submitter = this.#submitters.get(jobId);
      const isAtWork = submitter !== undefined && !submitter.isOver && submitter !== acting?.invocationOrNull;
      must(!isAtWork, 'I4', () => `${jobId} is given up while it is being submitted`);
    }
    if (after.status === 'running' && acting?.name !== 'submit') {
      const { token } = after.expectedWakeUp;
      const isSent = this.#truth.ledger.tokens.has(token);
      must(isSent, 'I12', () => `${jobId} expects a wake-up that has not been sent`);
    }
    if (acting?.name === 'deliver') this.#judgeAttempt(before, after, acting.invocation.batch);
  }

  /** Attempts are counted on from what the row and the message know. */
  #judgeAttempt(before: Job | undefined, { jobId, webhook }: Job, batch: readonly Delivery[]): void {
    const made = (webhook?.attempts ?? 0) - (before?.webhook?.attempts ?? 0);
    if (!webhook || made === 0) return;
    const own = batch.filter(({ message }) => jobIn(message.body) === jobId);
    const known = Math.min(...own.map(({ message }) => JSON.parse(openedMessage(message.body)).attempts));
    must(webhook.attempts > known, 'I19', () => `attempt ${webhook.attempts} of ${jobId} is made twice`);
    const last = webhook.log.at(-1)?.attempt;
    must(
      last === webhook.attempts,
      'I19',
      () => `the log of ${jobId} ends with ${last}, not ${webhook.attempts}`,
    );
  }

  #removed(jobId: string, before: Job | undefined): void {
    must(before?.status === 'submitting', 'I5', () => `${jobId} is removed while ${before?.status}`);
    this.#sim.note(`row ${jobId} removed`);
    this.#jobs.delete(jobId);
  }

  /** A job ends as ModelStudio ended it, or because its time was up. */
  #judgeTruth(before: Job | undefined, job: Job): void {
    if (before?.status !== 'running' || job.status === 'running') return;
    const { ledger, modelStudio } = this.#truth;
    const isUp = this.#sim.now + SKEW_MAX_MILLIS >= job.expiresAt;
    must(job.status !== 'expired' || isUp, 'I1', () => `${job.jobId} expires before its time`);
    const isAskedFor = ledger.cancels.has(job.jobId);
    must(job.status !== 'cancelled' || isAskedFor, 'I1', () => `${job.jobId} is cancelled by nobody`);
    if (job.status === 'failed' && job.error?.code === 'modelstudio_job_missing') this.#judgeMissing(before);
    if (job.status === 'completed') this.#judgeResults(job, before.upstreamJobId);
    const end = modelStudio.endOf(before.upstreamJobId);
    const endsAt = modelStudio.endsAt(before.upstreamJobId);
    const isTold = job.status === 'completed' || job.status === 'failed';
    if (end !== null && isTold && endsAt !== undefined) ledger.endsAt.set(job.jobId, endsAt);
    const isTrue = job.status !== 'completed' || end === 'completed';
    must(isTrue, 'I1', () => `${job.jobId} completes, ModelStudio: ${end}`);
  }

  /** What has been seen is not taken for lost because somebody says that he does not know it. */
  #judgeMissing({ jobId, upstreamJobId }: RunningJob): void {
    const { ledger, modelStudio } = this.#truth;
    must(modelStudio.hasForgotten(upstreamJobId), 'I1', () => `${jobId} is taken for lost and is not`);
    const isSeen = ledger.seen.has(jobId) && ledger.repeats(jobId).poll === 0;
    must(!isSeen, 'I1', () => `${jobId} was seen, and is taken for lost all the same`);
  }

  #judgeResults(job: FinishedJob, upstreamJobId: string): void {
    const { jobId, event, results, failedTasks } = job;
    const ref = results === null || results === 'in-event' ? event : results;
    const document = JSON.parse(this.#truth.contents.get(ref.key) ?? 'null');
    const entries = ref === event ? document.data.results : document;
    const given = entries.map((entry: { result: string | null }) => entry.result);
    // Once its time is up, a job is not asked about again for what its last report lacked.
    const isUp = job.finishedAt >= job.expiresAt;
    const expected = this.#truth.modelStudio
      .resultsOf(upstreamJobId)
      .map((result, index) => (isUp && given[index] === null ? null : result));
    if (expected.length === 0) return;
    must(String(given) === String(expected), 'I22', () =>
      `${jobId} has other results: ${given}, not ${expected}`.slice(0, 300),
    );
    const missing = expected.filter((result) => result === null).length;
    must(failedTasks === missing, 'I22', () => `${jobId} has ${failedTasks} failed tasks, not ${missing}`);
  }
}
