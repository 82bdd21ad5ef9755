import { type FinishedJob, isFinished, type Job } from '../../../functions/core/job.ts';
import { linesKeyOf } from '../../../functions/core/retention.ts';
import { Contents } from '../../../test/cloud/contents.ts';
import { must } from '../judge.ts';
import type { Apps } from './apps.ts';
import type { PartsJudge } from './judge.ts';
import type { Given, PartsSystem } from './upstream.ts';
import { textOf, type Wish } from './wishes.ts';

interface Entry {
  task_index: number;
  status: string;
  result: string | null;
  error: string | null;
  attempts?: number;
}

/** What must have become of each job, and of all that was stored for it, when all has settled. */
export function judgeEndOfRun(system: PartsSystem, { wishes }: Apps, judge: PartsJudge, isCalm: boolean) {
  const jobs = judge.whole();
  for (const wish of wishes) {
    const own = jobs.filter(({ metadata }) => metadata['marker'] === wish.marker);
    const { jobId } = wish;
    must(jobId === null || system.jobs.has(jobId), 'I1', () => `${wish.marker} was accepted and is gone`);
    must(
      wish.key === null || own.length <= 1,
      'I5',
      () => `${wish.marker} has ${own.length} jobs of one key`,
    );
    for (const job of own) {
      const isKnown = !judge.unknown.has(job.jobId);
      judgeJob(system, job, wish, { isCalm, isKnown, isAlone: own.length === 1 });
    }
  }
  judgeWebhooks(system, jobs, isCalm);
  judgeRest(system, judge);
  if (isCalm) judgeCalm(system, judge);
}

/** How much may be asked of a job. */
interface Standing {
  isCalm: boolean;
  /** The creation of each of its parts is known. */
  isKnown: boolean;
  isAlone: boolean;
}

function judgeJob(system: PartsSystem, job: Job, wish: Wish, standing: Standing): void {
  const { jobId } = job;
  must(isFinished(job), 'I1', () => `${jobId} is ${job.status}`);
  const event = JSON.parse(contentOf(system, job.event.key));
  must(event.type === `job.${job.status}`, 'I3', () => `${jobId} has the event ${event.type}`);
  const isFaulty = wish.file !== null && wish.file.faultyLines.length > 0;
  if (isFaulty) judgeFaults(job, wish);
  const entries = resultsOf(system, job);
  const isLess = job.status === 'failed' || job.status === 'cancelled';
  must(
    (entries === null) === isLess || job.status === 'expired',
    'I22',
    () => `${jobId} has ${entries && 'results'}`,
  );
  // Of two jobs of one wish, ModelStudio's accounts are one.
  if (entries === null || !standing.isAlone) return;
  must(entries.length === wish.tasks, 'I22', () => `${jobId} has ${entries.length} results`);
  const failed = entries.filter(({ status }) => status === 'failed').length;
  must(job.failedTasks === failed, 'I22', () => `${jobId}: failed_tasks ${job.failedTasks}, not ${failed}`);
  const given = system.upstream.of(wish.marker);
  for (const [task, entry] of entries.entries()) {
    must(entry.task_index === task, 'I22', () => `${jobId}: ${task} is ${entry.task_index}`);
    judgeEntry(
      job,
      wish,
      entry,
      given.filter(({ tasks }) => tasks.includes(task)),
      standing,
    );
  }
}

function judgeEntry(
  { jobId, status }: FinishedJob,
  { marker, retries }: Wish,
  entry: Entry,
  given: readonly Given[],
  { isCalm, isKnown }: Standing,
): void {
  const what = () =>
    `${jobId}: ${JSON.stringify(entry)} after ${JSON.stringify(given.map(({ job }) => job))}`;
  const { task_index: task, attempts = 1 } = entry;
  const told = given.flatMap(({ job }) => (job?.isReported ? job : []));
  const id =
    / of (up-\d+);/.exec(entry.result ?? '')?.[1] ?? /^(up-\d+) failed$/.exec(entry.error ?? '')?.[1];
  const named = told.find((job) => job.id === id);
  if (entry.status === 'completed') {
    const isRight = entry.result?.startsWith(`${textOf(marker, task)} of `) === true;
    must(isRight && named !== undefined && !named.failed.has(task), 'I22', what);
  } else must(entry.status === 'failed' && entry.error !== null && entry.result === null, 'I22', what);
  must(id === undefined || named !== undefined, 'I22', what);
  // What has ended after the job itself, or is told to a worker that died with it, is not in its results.
  if (status !== 'completed' || (!isKnown && entry.status === 'failed')) return;
  const last = told.at(-1);
  must(last === undefined || last.isBroken || last === named, 'I22', what);
  if (told.some(({ isBroken }) => isBroken)) return;
  must(attempts === Math.max(1, told.length), 'I22', what);
  const isRefused = given.some(({ job }) => !job?.isReported);
  const isSpent = told.length === 1 + retries || isRefused || !isCalm;
  must(last === undefined || entry.status === 'completed' || isSpent, 'I22', what);
}

function judgeFaults({ jobId, error }: FinishedJob, { file }: Wish): void {
  if (error?.code !== 'invalid_input') return;
  const { format, faultyLines = [] } = file ?? {};
  const places = faultyLines.map((line) => (format === 'jsonl' ? line + 1 : `/${line}`));
  const named = (error.details ?? []).map(({ line, pointer }) => line ?? /^\/\d+/.exec(pointer ?? '')?.[0]);
  const isSame = JSON.stringify([...new Set(named)]) === JSON.stringify(places.slice(0, 20));
  must(isSame, 'I22', () => `${jobId} names ${named}, not ${places}`);
}

function resultsOf(system: PartsSystem, job: FinishedJob): Entry[] | null {
  const { results, event, jobId, metadata, totalTasks } = job;
  if (results === null) return null;
  if (results === 'in-event') return JSON.parse(contentOf(system, event.key)).data.results;
  const array = JSON.parse(contentOf(system, results.key));
  if (!results.hasLines) {
    const creates = system.upstream.of(metadata['marker'] ?? '');
    const isMerged = creates.some(({ tasks }) => tasks.length < totalTasks);
    must(
      results.isShort === true && !isMerged,
      'I22',
      () => `the results of ${jobId} are not there in lines`,
    );
    return array;
  }
  const lines = contentOf(system, linesKeyOf(results.key));
  const isSame =
    JSON.stringify(array) ===
    JSON.stringify(
      lines
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    );
  must(isSame, 'I22', () => `the two forms of the results of ${jobId} differ`);
  return array;
}

function contentOf({ cloud }: PartsSystem, key: string): string {
  const content = new Contents(cloud).get(key);
  must(content !== undefined, 'I17', () => `${key} is gone`);
  return content;
}

/** One for each job, and none for a part. */
function judgeWebhooks({ receivers }: PartsSystem, jobs: readonly Job[], isCalm: boolean): void {
  for (const { jobId, webhook } of jobs) {
    const isTold = webhook?.status === 'delivered' || (!isCalm && webhook?.status === 'exhausted');
    must(isTold, 'I2', () => `the webhook of ${jobId} is ${webhook?.status}`);
  }
  const ids = new Set(jobs.map(({ webhook }) => webhook?.id));
  for (const [id, { body }] of receivers.received) must(ids.has(id), 'I22', () => `a webhook of ${body}`);
}

/** Nothing is left of requests, of plans and of parts. */
function judgeRest({ cloud, unremoved }: PartsSystem, judge: PartsJudge): void {
  for (const job of judge.whole()) {
    must(job.queueing === undefined, 'I17', () => `what is stored of ${job.jobId} is not forgotten`);
    for (const part of judge.partsOf(job.jobId)) must(false, 'I17', () => `${part.jobId} is ${part.status}`);
  }
  for (const { jobId, leftovers } of judge.deleted.values())
    must(leftovers === undefined, 'I17', () => `documents of ${jobId} are left`);
  for (const key of new Contents(cloud).keys()) {
    const isPrompt = key.startsWith('requests/') || key.startsWith('sources/');
    // One that no row has named is of a worker that died or lost a race, and has its time to live.
    const isLeft = isPrompt ? !unremoved.has(key) : judge.named.has(key);
    must(!isLeft, 'I17', () => `${key} is left`);
  }
}

/** Looks at parts become rarer with the age of their job, which is two hours at most. */
const LOOKS_OF_A_JOB_MAX = 500;
const LOOKS_OF_A_PART_MAX = 5;
/** Its request, and two forms of its results. */
const PUTS_OF_A_PART_MAX = 3;
const PUTS_OF_A_JOB_MAX = 5;

/** Nobody had to be rescued, and each part cost some calls, not many. */
function judgeCalm({ sim, cloud: { meter } }: PartsSystem, judge: PartsJudge): void {
  const rescued = sim.counts['JobsRecovered'] ?? 0;
  must(rescued === 0, 'I15', () => `${rescued} jobs were rescued`);
  const [jobs, parts] = [judge.whole().length, judge.deleted.size];
  const { 's3.puts': puts = 0, 'sqs.receives.collect': looks = 0 } = meter.counts;
  const most = LOOKS_OF_A_JOB_MAX * jobs + LOOKS_OF_A_PART_MAX * parts;
  must(looks <= most, 'I19', () => `${looks} looks at ${parts} parts of ${jobs} jobs`);
  const mostPuts = PUTS_OF_A_JOB_MAX * jobs + PUTS_OF_A_PART_MAX * parts;
  must(puts <= mostPuts, 'I19', () => `${puts} objects for ${parts} parts of ${jobs} jobs`);
}
