import {
  isFinished,
  type Job,
  type JobBase,
  type JobError,
  type Millis,
  type QueuedJob,
  type RunningJob,
} from '../job.ts';
import { BODY_MAX_BYTES, PARTS_MAX } from '../limits.ts';
import type { PollMessage } from '../messages.ts';
import { traceOf } from '../trace.ts';
import { type End, notTaken, submissionUnknown } from '../upstream/report.ts';
import type { PartLimits, Parts } from './row.ts';

/** As many as ModelStudio is known to take, in a body that it takes. */
export const DEFAULT_PART_LIMITS: PartLimits = { conversations: 1000, bytes: BODY_MAX_BYTES };

/** What a setting may say. */
export const PARTS_AT_ONCE_MAX = 100;

export function isOnePart(limits: PartLimits, tasks: number, bytes: number): boolean {
  return tasks <= limits.conversations && bytes <= limits.bytes;
}

export const NOT_BEGUN = { rounds: [], begun: 0, open: [], doneTasks: 0, isTaken: false } as const;

/** Which conversations each part of a round has, in their order. */
export interface Plan {
  readonly parts: readonly (readonly number[])[];
  /** Of the first round: from where to where each conversation lies in the file, one pair after the other. */
  readonly ranges?: readonly number[];
}

export type LargeJob = RunningJob & { readonly parts: Parts };

export function isLarge(job: RunningJob): job is LargeJob {
  return job.parts !== undefined;
}

/** What stands for ModelStudio's id. */
export const OF_PARTS = 'parts';

export function partIdOf({ jobId }: Pick<JobBase, 'jobId'>, round: number, part: number): string {
  return `${jobId}-${round}-${part}`;
}

/** Two workers that plan the same round write the same under one key. */
export function planKeyOf({ jobId, createdAt }: Pick<JobBase, 'jobId' | 'createdAt'>, round: number): string {
  return `plans/${jobId}/${createdAt}-${round}.json`;
}

/** The ids of all parts that there may be a row or a request of. Of the latest round, that is not all. */
export function partIds({ jobId, parts }: Pick<JobBase, 'jobId' | 'parts'>): string[] {
  if (parts === undefined) return [];
  const last = partsInMind(parts);
  const toOf = (round: number, all: number) => (round === last.round ? last.to : all);
  return parts.rounds.flatMap(({ parts: all }, round) =>
    partIdsOf({ jobId }, { round, from: 0, to: toOf(round, all) }),
  );
}

/** When of all these no more are there than the first. */
export function withFirst(parts: Parts, count: number): Parts {
  let left = count;
  const rounds = parts.rounds.map((round) => {
    const kept = Math.min(left, round.parts);
    left -= kept;
    return { ...round, parts: kept };
  });
  return { ...parts, rounds };
}

type Range = NonNullable<PollMessage['toBegin']>;

export function partIdsOf(job: Pick<JobBase, 'jobId'>, { round, from, to }: Range): string[] {
  return Array.from({ length: to - from }, (_, i) => partIdOf(job, round, from + i));
}

/** The parts that the next worker may begin, whatever it finds out about the others. */
export function partsInMind({ rounds, begun }: Parts): Range {
  const { parts = 0 } = rounds.at(-1) ?? {};
  return { round: rounds.length - 1, from: begun, to: Math.min(parts, begun + PARTS_AT_ONCE_MAX) };
}

/** Consecutive conversations that one create takes. One that is too large for that goes alone. */
export function pack(tasks: readonly number[], bytesOf: (task: number) => number, limits: PartLimits) {
  const parts: number[][] = [];
  let bytes = 0;
  for (const task of tasks) {
    const last = parts.at(-1);
    bytes += bytesOf(task);
    if (last && last.length < limits.conversations && bytes <= limits.bytes) last.push(task);
    else {
      parts.push([task]);
      bytes = bytesOf(task);
    }
  }
  return parts;
}

/** They go alone until ModelStudio has taken one: so what it refuses for all is true of the whole job. */
export function partsToBegin({ isTaken, open }: Parts, atOnce: number): number {
  return Math.max(0, (isTaken ? atOnce : 1) - open.length);
}

/**
 * Whether a part had ended when they were last looked at. Results are read several times, and what ends meanwhile is in none of
 * these readings.
 */
export function hadEnded({ rounds, begun, open }: Parts, round: number, part: number): boolean {
  return round < rounds.length - 1 || (part < begun && !open.includes(part));
}

/** Whether ModelStudio has created a part, or may have: it did not say so, even if it refused it when asked again. */
export function mayBeTaken(row: Job | null): boolean {
  if (row === null) return false;
  if (row.startedAt !== undefined) return true;
  if (!isFinished(row) || holdsForAll(row.error)) return false;
  return row.error?.code === 'submission_unknown' || (row.submissions ?? 0) > 1;
}

/** Of a part that was not created: nor would the others be. */
export function holdsForAll(error: JobError | null): boolean {
  return error?.code === 'never_submitted' || error?.code === 'model_not_found';
}

/** It may wait as long as its job, and once that is taken, until that expires. */
export function partOf(
  job: LargeJob,
  partId: string,
  tasks: readonly number[],
  turn: number,
  now: Millis,
): QueuedJob {
  const { client, modelId, tokensClass, createdAt, expiresAt, parts } = job;
  const { until = expiresAt } = job.queueing ?? {};
  return {
    jobId: partId,
    partOf: job.jobId,
    client,
    modelId,
    totalTasks: tasks.length,
    ...(tokensClass !== undefined && { tokensClass }),
    trace: traceOf(job),
    metadata: {},
    fingerprint: '',
    // By which its request is found, too.
    createdAt,
    updatedAt: now,
    expiresAt,
    wakeUpDeadline: expiresAt,
    version: 1,
    status: 'queued',
    queueing: { until: parts.isTaken ? expiresAt : until, turn, since: now },
    ...(parts.mayResubmit && { submissions: 0 }),
    webhook: null,
  };
}

/** The end of a job whose submission broke off. Of one in parts, none was created by then. */
export function brokenOff(job: JobBase): End {
  return job.parts ? notTaken(job) : submissionUnknown;
}

export function invalidInput(details: NonNullable<JobError['details']>): JobError {
  const message =
    'The upload holds something else than valid conversations. Nothing was created, nothing was billed.';
  return { code: 'invalid_input', message, details };
}

/** What a job of so many could not do in its collector's time: merge their results. */
export function tooManyParts(parts: number, retries: number): JobError | null {
  const all = parts * (1 + retries);
  if (all <= PARTS_MAX) return null;
  const count = retries === 0 ? `${parts} parts` : `${parts} parts, and with all retries ${all}`;
  const message = `As much as ModelStudio is given at once, the job has ${count}, of at most ${PARTS_MAX}. Nothing was created, nothing was billed.`;
  return { code: 'invalid_input', message };
}
