import { type DeletedJob, type FinishedJob, isFinished, type Job } from '../../../functions/core/job.ts';
import { documentsOf } from '../../../functions/core/retention.ts';
import { jobOf } from '../../../test/cloud/contents.ts';
import type { Item } from '../../../test/cloud/expressions.ts';
import { judgeText, judgeWrite, must } from '../judge.ts';
import { PARTS_AT_ONCE } from '../world.ts';
import { type Given, isTooMuch, type PartsSystem } from './upstream.ts';

const CREATES_OF_A_PART_MAX = 3;
/** What is under way when a job ends: a worker that has looked just before, and its calls. */
const UNDER_WAY_MILLIS = { calm: 500, wild: 40_000 };
/** Rows among the jobs' that are of something else. */
const OTHERS = /^(turn|place|lane|uploads)\/|^[a-z]+$/;

/** What must hold of large jobs at every moment. It knows of parts only what their rows and ModelStudio say. */
export class PartsJudge {
  readonly jobs: Map<string, Job>;
  /** Parts of which nothing is left but their ids. */
  readonly deleted = new Map<string, DeletedJob>();
  /** Of parts and plans: what their rows have named. */
  readonly named = new Set<string>();
  /** Jobs of which nobody knows whether ModelStudio has created a part, whatever it says of that. */
  readonly unknown = new Set<string>();
  readonly #system: PartsSystem;

  readonly #isCalm: boolean;

  constructor(system: PartsSystem, isCalm: boolean) {
    this.#isCalm = isCalm;
    this.#system = system;
    this.jobs = system.jobs;
    system.cloud.tables.jobs.onWrite = (key, item) => this.#wrote(key, item);
    system.upstream.onGiven = (given) => this.#given(given);
  }

  /** Those of an app's, without their parts. */
  whole(): Job[] {
    return [...this.jobs.values()].filter(({ partOf }) => partOf === undefined);
  }

  partsOf(jobId: string): Job[] {
    return [...this.jobs.values()].filter(({ partOf }) => partOf === jobId);
  }

  #wrote(key: string, item: Item | null): void {
    if (item) judgeText('a row', JSON.stringify(item));
    if (OTHERS.test(key)) return;
    const { sim } = this.#system;
    const before = this.jobs.get(key);
    if (item === null) {
      must(before?.status === 'submitting', 'I5', () => `${key} is removed while ${before?.status}`);
      this.jobs.delete(key);
      return;
    }
    const row = jobOf(item) as Job | DeletedJob;
    sim.note(`row ${key} v${row.version} ${row.status} ${this.#about(row)}`);
    if (row.status === 'deleted') {
      must(this.deleted.has(key) || before?.partOf !== undefined, 'I22', () => `${key} is deleted`);
      this.jobs.delete(key);
      this.deleted.set(key, row);
      return;
    }
    must(!this.deleted.has(key), 'I5', () => `${key} comes back`);
    judgeWrite(before, row);
    sim.traces.wrote(row);
    this.jobs.set(key, row);
    for (const { plan } of row.parts?.rounds ?? []) this.named.add(plan.key);
    if (row.partOf !== undefined && isFinished(row))
      for (const { key: name } of documentsOf(row)) this.named.add(name);
    if (row.partOf !== undefined) this.#judgePart(row, row.partOf);
    else if (isFinished(row) && before && !isFinished(before)) this.#judgeEnd(row);
  }

  #about(row: Job | DeletedJob): string {
    const { rounds = [], begun = 0, open = [] } = row.parts ?? {};
    const error = 'error' in row ? (row.error?.code ?? '') : '';
    return row.parts ? `${rounds.length} rounds, ${begun} begun, ${open} open ${error}` : error;
  }

  #judgePart(part: Job, jobId: string): void {
    must(part.webhook === null, 'I22', () => `${part.jobId} has a webhook`);
    const open = this.partsOf(jobId).filter((each) => !isFinished(each)).length;
    must(open <= PARTS_AT_ONCE, 'I22', () => `${jobId} has ${open} parts at once`);
    if (isFinished(part) && part.error?.code === 'submission_unknown') this.unknown.add(jobId);
  }

  #judgeEnd(job: FinishedJob): void {
    const { upstream, settings } = this.#system;
    const code = job.error?.code;
    const asked = upstream.of(job.metadata['marker'] ?? '');
    const mayExist = asked.some(({ outcome }) => outcome === 'created' || outcome === 'unknown');
    const isOpen = this.#isCalm && upstream.isAlwaysThere && settings.jobsAtOnce === null;
    must(code !== 'never_submitted' || !isOpen, 'I21', () => `${job.jobId} is never submitted for no reason`);
    const isDenied = code === 'never_submitted' || code === 'invalid_input' || code === 'model_not_found';
    // A part whose creation was unknown, and was given again by its owner's wish, ends by what was said then, as any job does.
    const isSaidAgain = code === 'model_not_found' && areSaidAgain(asked);
    must(!isDenied || !mayExist || isSaidAgain, 'I4', () => `${job.jobId} may exist, and ends ${code}`);
    must(
      code !== 'modelstudio_invalid_request' || !isLeftUnsaid(asked),
      'I4',
      () => `${job.jobId} has a part that may exist, and ends ${code}`,
    );
    if (code === 'modelstudio_invalid_request' || code === 'model_not_found')
      must(
        asked.some(({ outcome }) => outcome === 'at fault'),
        'I21',
        () => `${job.jobId} ends ${code} for no reason`,
      );
  }

  #given(given: Given): void {
    const { marker, tasks, outcome } = given;
    const { sim, upstream, settings } = this.#system;
    const wish = upstream.wishes.get(marker);
    must(wish !== undefined && tasks.length > 0, 'I22', () => 'a create of nothing');
    const isWhole = tasks.every((task, i) => task < wish.tasks && task > (tasks[i - 1] ?? -1));
    must(isWhole, 'I22', () => `${marker} is created with the tasks ${tasks}`);
    const isLarge = settings.partLimits && isTooMuch(given, settings.partLimits);
    must(!isLarge, 'I22', () => `${tasks.length} conversations of ${given.bytes} bytes in one create`);
    const isFaulty = wish.file !== null && wish.file.faultyLines.length > 0;
    must(!isFaulty, 'I22', () => `${marker} is created, and holds faults`);
    const job = this.whole().find(({ metadata }) => metadata['marker'] === marker);
    const endedMillis = job && isFinished(job) ? sim.now - job.finishedAt : 0;
    must(
      endedMillis < UNDER_WAY_MILLIS[this.#isCalm ? 'calm' : 'wild'],
      'I22',
      () => `${marker} is created ${endedMillis} ms after its end`,
    );
    if (outcome === 'created' || outcome === 'unknown')
      for (const task of tasks) this.#judgeAgain(given, task, wish);
  }

  /** A conversation is given again when ModelStudio has said that it failed, or if its owner would rather have it twice. */
  #judgeAgain(
    given: Given,
    task: number,
    { retries, mayResubmit }: { retries: number; mayResubmit: boolean },
  ) {
    const { marker } = given;
    const all = this.#system.upstream
      .of(marker)
      .filter(
        (each) => each.tasks.includes(task) && (each.outcome === 'created' || each.outcome === 'unknown'),
      );
    const isFailed = ({ job }: Given) => job?.isReported === true && job.failed.has(task);
    const tries = all.filter(isFailed).length;
    const most = mayResubmit ? CREATES_OF_A_PART_MAX : 1;
    must(tries <= retries, 'I22', () => `task ${task} of ${marker} is given again after ${tries} failures`);
    const since = all.length - 1 - all.findLastIndex(isFailed);
    must(since <= most, 'I22', () => `task ${task} of ${marker} is given ${since} times, and has not failed`);
    must(
      all.length <= most * (1 + retries),
      'I22',
      () => `task ${task} of ${marker} is given ${all.length} times`,
    );
  }
}

/** Whether all were about the same conversations, none was surely created, and the last one was refused. */
function areSaidAgain(asked: readonly Given[]): boolean {
  const isSame = new Set(asked.map(({ tasks }) => tasks.join())).size === 1;
  const isCreated = asked.some(({ outcome }) => outcome === 'created');
  return isSame && !isCreated && asked.at(-1)?.outcome === 'at fault';
}

/** Whether some conversations were created, or may have been, and were not refused after that. */
function isLeftUnsaid(asked: readonly Given[]): boolean {
  const said = asked.filter(({ outcome }) => outcome !== 'refused');
  const last = new Map(said.map(({ tasks, outcome }) => [tasks.join(), outcome]));
  return [...last.values()].some((outcome) => outcome !== 'at fault');
}
