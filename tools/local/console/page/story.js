/**
 * What is known about the jobs, from the events alone: the same events always tell the same story.
 * @typedef {{at: number, outcome: string, wait: number | null, completed: number, total: number, cause?: string}} Poll
 * @typedef {{at: number, attempt: number, outcome: string, status?: number, cause?: string, wait: number | null,
 *   millis: number}} Attempt
 * @typedef {{at: number, outcome: string, cause?: string, millis: number}} Try
 * @typedef {{at: number, event: string, verified: boolean | null, headers: Record<string, string>}} Webhook
 * @typedef {{id: string, client: string, model: string, status: string, total: number, completed: number, failed: number,
 *   createdAt: number, takenIn: number | null, queuedAt: number | null, finishedAt: number | null, cause: string | null,
 *   tries: Try[], polls: Poll[], attempts: Attempt[], webhooks: Webhook[], rescues: number[]}} Job
 */
const JOBS_MAX = 3000;
/** The causes of ends that no poll has found. */
const UNPOLLED = ['submission_unknown', 'never_submitted', 'modelstudio_invalid_request', 'model_not_found'];
const BEGINNINGS = ['submit', 'finish'];

export class Story {
  /** @type {Map<string, Job>} in the order of their creation */
  jobs = new Map();
  /** @type {Record<string, boolean>} */
  switches = {};
  /** The ids of the jobs that have changed and are not shown so yet. @type {Set<string>} */
  changed = new Set();

  clear() {
    this.jobs.clear();
    this.changed.clear();
  }

  /** @param {any} event */
  add(event) {
    if (event.type === 'switches') {
      this.switches = event.switches;
      return;
    }
    // Of a part of a large job, that is shown which says something about the whole.
    if (event.part_of && event.stage !== 'create') return;
    const job = this.#jobOf(event);
    if (!job) return;
    if (event.type === 'webhook') job.webhooks.push(event);
    else STAGES[event.stage]?.(job, event);
    // The API no longer knows it either.
    if (event.stage === 'delete') this.jobs.delete(job.id);
    this.changed.add(job.id);
  }

  /**
   * Only what says all of a job begins its story: the rest of one that is no longer kept would make a wrong one.
   * @param {any} event
   */
  #jobOf(event) {
    const known = this.jobs.get(event.part_of ?? event.job_id);
    if (known || !BEGINNINGS.includes(event.stage)) return known;
    /** @type {Job} */
    const job = {
      ...{ id: event.job_id, client: '', model: '', status: 'running', total: 1, completed: 0, failed: 0 },
      ...{
        createdAt: event.at - 1000 * (event.age_seconds ?? 0),
        takenIn: null,
        queuedAt: null,
        finishedAt: null,
      },
      ...{ cause: null, tries: [], polls: [], attempts: [], webhooks: [], rescues: [] },
    };
    this.jobs.set(job.id, job);
    if (this.jobs.size > JOBS_MAX) this.#forget();
    return job;
  }

  /** The oldest that has ended, if there is one. */
  #forget() {
    let [oldest] = this.jobs.keys();
    for (const { id, finishedAt } of this.jobs.values()) {
      if (finishedAt === null) continue;
      oldest = id;
      break;
    }
    if (oldest === undefined) return;
    this.jobs.delete(oldest);
    this.changed.add(oldest);
  }
}

/** @type {Record<string, (job: Job, event: any) => void>} */
const STAGES = {
  submit(job, event) {
    if (event.outcome === 'wake_up_unsent') return;
    Object.assign(job, known(event));
    if (event.outcome === 'queued') {
      Object.assign(job, { status: 'queued', cause: null, finishedAt: null, queuedAt: event.at });
      return;
    }
    job.createdAt = event.at - (event.duration_ms ?? 0);
    job.takenIn = event.duration_ms ?? 0;
    if (event.outcome !== 'created' && event.outcome !== 'unknown') {
      Object.assign(job, { status: 'refused', cause: event.outcome, finishedAt: event.at });
    } else if (job.status === 'refused') {
      // The same Idempotency-Key again, and this time it was taken.
      Object.assign(job, { status: 'running', cause: null, finishedAt: null });
    }
  },
  create(job, event) {
    const { at, outcome, cause, duration_ms: millis = 0 } = event;
    // ModelStudio has taken it once it has taken the first part.
    if (job.tries.at(-1)?.outcome === 'created') return;
    job.tries.push({ at, outcome, cause, millis });
    if (outcome === 'created' && job.finishedAt === null) job.status = 'running';
  },
  poll(job, event) {
    if (event.wait_seconds === undefined && event.outcome !== 'running') return;
    if (event.client) job.client = event.client;
    job.total = event.total_tasks ?? job.total;
    job.completed = Math.max(job.completed, event.completed_tasks ?? 0);
    // Until ModelStudio has taken it, a large job looks at its parts alone.
    if (job.status === 'queued') return;
    const wait = event.wait_seconds === undefined ? null : 1000 * event.wait_seconds;
    job.polls.push({
      at: event.at,
      outcome: event.outcome,
      wait,
      completed: job.completed,
      total: job.total,
      cause: event.cause,
    });
  },
  finish(job, event) {
    const age = 1000 * event.age_seconds;
    // The line comes a moment after the end that it tells of.
    if (job.takenIn === null && job.queuedAt === null) job.createdAt = event.at - age;
    Object.assign(job, known(event), {
      status: event.outcome,
      completed: event.completed_tasks,
      failed: event.failed_tasks,
      finishedAt: job.createdAt + age,
      cause: event.cause ?? null,
    });
  },
  deliver(job, event) {
    if (event.attempt === undefined) return;
    const wait = event.wait_seconds === undefined ? null : 1000 * event.wait_seconds;
    const { at, attempt, outcome, status, cause } = event;
    job.attempts.push({ at, attempt, outcome, status, cause, wait, millis: event.duration_ms });
  },
  sweep(job, event) {
    job.rescues.push(event.at);
  },
};

/** @param {any} event */
function known({ client, model_id, total_tasks }) {
  return {
    ...(client && { client }),
    ...(model_id && { model: model_id }),
    ...(total_tasks !== undefined && { total: total_tasks }),
  };
}

/** Nobody knows how many conversations a file has until it has been read. @param {{total: number}} of */
export const totalOf = ({ total }) => (total === 0 ? '?' : String(total));

/** @param {Job} job */
export function webhookStateOf(job) {
  const last = job.attempts.at(-1);
  if (!last) return null;
  return last.outcome === 'retry' ? 'retrying' : last.outcome;
}

/** When ModelStudio took it, or so it seems. @param {Job} job */
export function startOf({ tries, createdAt }) {
  return tries.at(-1)?.at ?? createdAt;
}

/** Whether its webhook has not come, and why is to be seen at its attempts. @param {Job} job */
export function isUndelivered(job) {
  return ['retrying', 'exhausted', 'gone', 'blocked'].includes(webhookStateOf(job) ?? '');
}

/**
 * How often it was polled: the poll that finds its end is reported as the end.
 * @param {Job} job
 */
export function pollsOf({ polls, status, cause }) {
  const isFound = status === 'completed' || (status === 'failed' && !UNPOLLED.includes(cause ?? ''));
  return polls.length + (isFound ? 1 : 0);
}

/** Figures over all jobs. @param {Iterable<Job>} jobs */
export function figuresOf(jobs) {
  const counts = { total: 0, running: 0, completed: 0, failed: 0, delivered: 0, retrying: 0, undelivered: 0 };
  /** How long after the poll before the last a job's end was found. @type {number[]} */
  const lags = [];
  /** How long after a job's end its webhook was delivered. @type {number[]} */
  const deliveries = [];
  let polls = 0;
  for (const job of jobs) {
    counts.total += 1;
    if (job.finishedAt === null) counts.running += 1;
    else if (job.status === 'completed') counts.completed += 1;
    else if (job.status !== 'cancelled') counts.failed += 1;
    const delivered = job.attempts.find(({ outcome }) => outcome === 'delivered');
    if (delivered) {
      counts.delivered += 1;
      if (job.finishedAt !== null) deliveries.push(delivered.at - job.finishedAt);
    } else if (isUndelivered(job))
      counts[webhookStateOf(job) === 'retrying' ? 'retrying' : 'undelivered'] += 1;
    if (job.status !== 'completed' || job.finishedAt === null) continue;
    polls += pollsOf(job);
    lags.push(job.finishedAt - (job.polls.at(-1)?.at ?? startOf(job)));
  }
  return {
    ...counts,
    pollsPerJob: counts.completed === 0 ? null : polls / counts.completed,
    ...{ lag: quantile(lags, 0.5), lag95: quantile(lags, 0.95), delivery: quantile(deliveries, 0.5) },
  };
}

/** @param {number[]} values @param {number} share */
function quantile(values, share) {
  values.sort((a, b) => a - b);
  return values[Math.floor(share * values.length)] ?? null;
}
