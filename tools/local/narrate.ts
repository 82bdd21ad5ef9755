/** One line of a function's log. */
export type LogLine = Record<string, unknown> & { level: string; message: string };

/** Null for a line that is not one of the product's own, as when the runtime speaks, and for one that says nothing new. */
export function parseLogLine(line: string): LogLine | null {
  try {
    const parsed = JSON.parse(line);
    const isLogLine = typeof parsed?.message === 'string' && typeof parsed.level === 'string';
    return isLogLine && !isRoutine(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

/**
 * On a laptop, each poll is logged in a line of its own, so the sum of them adds nothing; nor does a
 * poll that finished a job, which is logged separately, or a sweep. */
function isRoutine({ message, outcome }: LogLine): boolean {
  return message === 'batch' || outcome === 'swept' || (message === 'poll' && outcome === 'finished');
}

/** Says in a few words what a log line means to someone who watches. */
export function narrate(line: LogLine): string {
  const { message, outcome, job_id, ...facts } = line;
  const verb = `${message} `.padEnd(8);
  switch (message) {
    case 'authorize':
      return `${verb}401, ${String(outcome).replace('_', ' ')}`;
    case 'create':
      return job_id
        ? `${verb}${outcome === 'created' ? 'ModelStudio takes' : `${facts['cause'] ?? outcome}:`} ${job_id}`
        : `${verb}ModelStudio has answered ${facts['answered']} of the queued jobs and refused ${facts['refused']}`;
    case 'submit':
      if (outcome === 'queued') return `${verb}${facts['model_id']} waits for ModelStudio: ${job_id}`;
      return outcome === 'created'
        ? `${verb}${facts['model_id']} takes ${count(facts['total_tasks'], 'conversation')}: ${job_id}`
        : `${verb}${facts['model_id']}: ${outcome} ${facts['cause'] ?? ''}`;
    case 'poll':
      return outcome === 'running'
        ? `${verb}${facts['completed_tasks']} of ${facts['total_tasks'] || '?'} done, asks again in ${facts['wait_seconds']} s`
        : `${verb}${[outcome, facts['cause'], wait(facts)].filter(Boolean).join(', ')}`;
    case 'finish':
      return `${verb}${outcome}, ${facts['completed_tasks']} of ${facts['total_tasks']} done after ${facts['age_seconds']} s`;
    case 'deliver':
      return `${verb}attempt ${facts['attempt'] ?? '-'}: ${[outcome, facts['status'] ?? facts['cause'], wait(facts)].filter(Boolean).join(', ')}`;
    case 'upload':
      return `${verb}${outcome}: ${facts['upload_id']}`;
    case 'redeliver':
      return `${verb}a new round of attempts after ${count(facts['attempt'], 'attempt')}: ${job_id}`;
    default:
      return `${line.level} ${message} ${JSON.stringify(facts['error'] ?? {})}`;
  }
}

function wait(facts: Record<string, unknown>): string {
  return facts['wait_seconds'] === undefined ? '' : `again in ${facts['wait_seconds']} s`;
}

function count(value: unknown, noun: string): string {
  return `${value} ${noun}${value === 1 ? '' : 's'}`;
}
