import type { PolledJob } from './play.ts';

/** A job, as anybody can compute J and J* from it: all in seconds. */
export interface TracedJob {
  /** What is measured by jobs of this load. */
  load: string;
  policy: string;
  lagPerPoll: number;
  /** Which of the times that the load was played. */
  life: number;
  /** Which of its bursts, if it has any. */
  burst: string;
  /** What is known in advance of how long it takes. */
  known: string;
  /** Since the start, when ModelStudio was asked for the job. */
  submitted: number;
  /** From then on, to its end, and to each of the polls. */
  duration: number;
  polls: number[];
}

/** Lines of JSON. */
export function traceOf(
  jobs: readonly PolledJob[],
  of: Pick<TracedJob, 'load' | 'policy' | 'lagPerPoll' | 'life'>,
): string[] {
  return jobs.map(({ part, known, created, seconds, polls }) => {
    const traced: TracedJob = {
      ...{ ...of, burst: part, known: known.name },
      ...{ submitted: precise(created), duration: precise(seconds), polls: polls.map(precise) },
    };
    return JSON.stringify(traced);
  });
}

/** To the millisecond, in which the clock counts. */
function precise(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
