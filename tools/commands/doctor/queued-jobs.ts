import type { Target } from '../target.ts';
import { waitingJobsOf, whyJobsWait } from '../waiting-jobs.ts';
import { type CheckResult, failed, ok } from './result.ts';

/** As the alarm has it. */
const LONG_SECONDS = 900;

/** How many jobs wait for ModelStudio, and why. */
export async function queuedJobs(target: Target): Promise<CheckResult> {
  const { gate, count, oldestAt } = await waitingJobsOf(target);
  if (gate.isPaused)
    return failed(`${count} wait, and the queue is paused`, `npm run queue -- resume ${target.flags}`);
  if (oldestAt === null) return ok('none: ModelStudio takes them at once');
  const { pace } = gate;
  const seconds = Math.round((Date.now() - oldestAt) / 1000);
  const next = Math.max(0, Math.ceil((pace.nextAt - Date.now()) / 1000));
  const why = {
    no_place: 'as many run at ModelStudio as jobsAtOnce allows',
    refused: `ModelStudio has refused the last ${pace.refusedProbes}, and is asked again in ${next} s`,
    pace: `ModelStudio takes ${pace.rate.toFixed(1)} a second`,
  };
  const words = `${count} wait, the first for ${seconds} s: ${why[whyJobsWait(gate)]}`;
  if (seconds < LONG_SECONDS) return ok(words);
  return failed(words, 'See "Jobs wait for ModelStudio" in docs/runbook.md.');
}
