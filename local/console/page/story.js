/**
 * What is known of the jobs, from the events alone: the same events always tell the same story.
 * @typedef {{at: number, outcome: string, wait: number | null, completed: number, total: number, cause?: string}} Poll
 * @typedef {{at: number, attempt: number, outcome: string, status?: number, cause?: string, wait: number | null, millis: number}} Attempt
 * @typedef {{at: number, event: string, verified: boolean, headers: Record<string, string>}} Webhook
 * @typedef {{id: string, client: string, model: string, status: string, total: number, completed: number, failed: number,
 *   createdAt: number, finishedAt: number | null, cause: string | null, polls: Poll[], attempts: Attempt[],
 *   webhooks: Webhook[], rescues: number[]}} Job
 */
const JOBS_MAX = 3000;
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
    const job = this.#jobOf(event);
    if (!job) return;
    if (event.type === 'webhook') job.webhooks.push(event);
    else STAGES[event.stage]?.(job, event);
    this.changed.add(job.id);
  }

  /** Only what says all of a job begins its story: the rest of one that is no longer kept would make a wrong one. */
  #jobOf(event) {
    const known = this.jobs.get(event.job_id);
    if (known || !BEGINNINGS.includes(event.stage)) return known;
    const job = {
      ...{ id: event.job_id, client: '', model: '', status: 'running', total: 1, completed: 0, failed: 0 },
      ...{ createdAt: event.at - 1000 * (event.age_seconds ?? 0), finishedAt: null, cause: null },
      ...{ polls: [], attempts: [], webhooks: [], rescues: [] },
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
    this.jobs.delete(oldest);
    this.changed.add(oldest);
  }
}

/** @type {Record<string, (job: Job, event: any) => void>} */
const STAGES = {
  submit(job, event) {
    if (event.outcome === 'wake_up_unsent') return;
    Object.assign(job, known(event));
    job.createdAt = event.at - (event.duration_ms ?? 0);
    if (event.outcome !== 'created' && event.outcome !== 'unknown') {
      Object.assign(job, { status: 'refused', cause: event.outcome, finishedAt: event.at });
    } else if (job.status === 'refused') {
      // The same Idempotency-Key again, and this time it was taken.
      Object.assign(job, { status: 'running', cause: null, finishedAt: null });
    }
  },
  poll(job, event) {
    if (event.wait_seconds === undefined && event.outcome !== 'running') return;
    if (event.client) job.client = event.client;
    job.total = event.total_tasks ?? job.total;
    job.completed = Math.max(job.completed, event.completed_tasks ?? 0);
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
    Object.assign(job, known(event), {
      status: event.outcome,
      completed: event.completed_tasks,
      failed: event.failed_tasks,
      finishedAt: event.at,
      createdAt: event.at - 1000 * event.age_seconds,
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

function known({ client, model_id, total_tasks }) {
  return {
    ...(client && { client }),
    ...(model_id && { model: model_id }),
    ...(total_tasks && { total: total_tasks }),
  };
}

/** @param {Job} job */
export function webhookStateOf(job) {
  const last = job.attempts.at(-1);
  if (!last) return null;
  return last.outcome === 'retry' ? 'retrying' : last.outcome;
}

/** Whether its webhook has not come, and why is to be seen at its attempts. @param {Job} job */
export function isUndelivered(job) {
  return ['retrying', 'exhausted', 'gone', 'blocked'].includes(webhookStateOf(job) ?? '');
}

/** Figures over all jobs. @param {Iterable<Job>} jobs */
export function figuresOf(jobs) {
  const statuses = {};
  const lags = [];
  let polls = 0;
  let finished = 0;
  let delivered = 0;
  let received = 0;
  let verified = 0;
  let total = 0;
  for (const job of jobs) {
    total += 1;
    statuses[job.status] = (statuses[job.status] ?? 0) + 1;
    delivered += job.attempts.filter(({ outcome }) => outcome === 'delivered').length;
    // By the inbox: a receiver of somebody's own says nothing here.
    received += job.webhooks.length;
    verified += job.webhooks.filter((webhook) => webhook.verified).length;
    if (job.status !== 'completed') continue;
    finished += 1;
    // The last look is told as the end of the job.
    polls += job.polls.length + 1;
    lags.push(job.finishedAt - (job.polls.at(-1)?.at ?? job.createdAt));
  }
  lags.sort((a, b) => a - b);
  return {
    ...{ total, running: (statuses.running ?? 0) + (statuses.submitting ?? 0), completed: finished },
    failed: (statuses.failed ?? 0) + (statuses.expired ?? 0) + (statuses.refused ?? 0),
    pollsPerJob: finished === 0 ? null : polls / finished,
    medianLag: lags.length === 0 ? null : lags[lags.length >> 1],
    ...{ delivered, received, verified },
  };
}
