import { print, runCommand, tell } from './command.ts';
import { findTarget, TARGET_HELP, targetOptions, targetRefIn } from './find-target.ts';
import { setPaused, type WaitingJobs, waitingJobsOf, whyJobsWait } from './waiting-jobs.ts';

const HELP = `Looks after the jobs that wait until ModelStudio takes them.

  npm run queue -- status
  npm run queue -- pause
  npm run queue -- resume

${TARGET_HELP}

status prints tab-separated lines: state (idle, draining or paused), waiting (how many jobs), oldest (since when the
first of them waits), why (no_place: as many jobs run as jobsAtOnce allows; refused: ModelStudio takes none; pace: it
takes some), pace (creates a second), next (when ModelStudio is asked again).
pause lets no queued job through until resume; both take effect within 15 s. Meanwhile, jobs whose time is up end as
never_submitted, and new ones are given to ModelStudio at once unless others wait.
`;

const iso = (at: number | null) => (at === null ? '-' : new Date(at).toISOString());

function show({ gate, count, oldestAt }: WaitingJobs): void {
  const { phase, pace, isPaused } = gate;
  const isDraining = count > 0 || phase === 'draining';
  print(`state\t${isPaused ? 'paused' : isDraining ? 'draining' : 'idle'}`);
  print(`waiting\t${count}`);
  print(`oldest\t${iso(oldestAt)}`);
  print(`why\t${isDraining && !isPaused ? whyJobsWait(gate) : '-'}`);
  print(`pace\t${isDraining ? pace.rate : '-'}`);
  print(`next\t${iso(isDraining && !isPaused ? pace.nextAt : null)}`);
}

await runCommand({
  help: HELP,
  options: targetOptions,
  verbs: { status: [], pause: [], resume: [] },
  async run(values, verb) {
    const target = await findTarget(targetRefIn(values));
    if (verb === 'status') return show(await waitingJobsOf(target));
    await setPaused(target, verb === 'pause');
    tell(verb === 'pause' ? 'Queued jobs are held until you resume.' : 'Queued jobs are let through again.');
  },
});
