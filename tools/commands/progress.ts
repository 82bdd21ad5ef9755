/** What there is to tell of a job's progress. */
export interface Progressing {
  status: string;
  total_tasks: number | null;
  completed_tasks: number;
}

/** How far a job was when it was first seen running. */
export interface Mark {
  atMillis: number;
  tasks: number;
}

const BAR_WIDTH = 30;

/** The time left is estimated from what was done since the mark. */
export function progressOf(job: Progressing, mark: Mark | null, nowMillis: number): string {
  const { total_tasks: total, completed_tasks: done } = job;
  if (total === null) return 'queued: the file has not been read yet';
  if (job.status === 'queued') return `queued: ModelStudio does not take any of the ${total} yet`;
  const words = `${done} of ${total}`;
  const gained = mark === null ? 0 : done - mark.tasks;
  if (mark === null || gained <= 0 || done === total) return words;
  const left = ((nowMillis - mark.atMillis) / gained) * (total - done);
  return `${words}, about ${durationOf(left)} left`;
}

export function barOf({ total_tasks, completed_tasks }: Progressing): string {
  const filled = Math.floor((completed_tasks / (total_tasks || 1)) * BAR_WIDTH);
  return `[${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}]`;
}

function durationOf(millis: number): string {
  const seconds = Math.max(1, Math.round(millis / 1000));
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}

/** Says nothing twice: on a terminal on one line, else one below the other. */
export function startShowing(stream: NodeJS.WriteStream = process.stderr) {
  let shown = '';
  return {
    show(job: Progressing, words: string): void {
      if (words === shown) return;
      shown = words;
      stream.write(stream.isTTY ? `\r\x1b[K${barOf(job)} ${words}` : `${words}\n`);
    },
    stop(): void {
      if (stream.isTTY && shown !== '') stream.write('\n');
    },
  };
}
