import { marshall } from '@aws-sdk/util-dynamodb';
import { newClientKey } from '../../../functions/core/http/client-key.ts';
import type { Generation } from '../../../functions/core/http/generation-request.ts';
import { eventJson } from '../../../functions/core/http/view.ts';
import type {
  FinishedJob,
  Job,
  JobBase,
  Millis,
  PendingWebhook,
  QueuedJob,
  WakeUp,
} from '../../../functions/core/job.ts';
import { kindOf } from '../../../functions/core/polling/lessons.ts';
import { GATE_ID, NEW_GATE } from '../../../functions/core/queue/gate.ts';
import { queueKeys } from '../../../functions/core/queue/queue-keys.ts';
import { Cloud } from '../../../test/cloud/cloud.ts';
import { Contents, jobOf, Rows, teach } from '../../../test/cloud/contents.ts';
import type { Item } from '../../../test/cloud/expressions.ts';
import { VirtualTime } from '../../../test/cloud/time.ts';
import { prose } from '../flows/prose.ts';

export const KEY = newClientKey('my-app', ['jobs:read', 'jobs:write'], new Uint8Array(48).fill(7), 0);
export const MODEL = 'llama-3.1-8b-instruct';
export const HOOK_PATH = '/hooks/modelstudio/jobs';

/** `ending`: its row says that it is running, and ModelStudio that it has completed. */
export const PHASES = ['queued', 'running', 'ending', 'finished'] as const;
export type Phase = (typeof PHASES)[number];

/** The text of a job's prompt, and of its result. */
const CHARACTERS = 2000;
export const RESULTS = JSON.stringify([
  { task_index: 0, status: 'completed', result: prose(CHARACTERS), error: null },
]);

export const GENERATION: Generation = {
  model_id: MODEL,
  messages: [[{ role: 'user', content: prose(CHARACTERS) }]],
  temperature: 0.7,
  max_tokens: 512,
};

/** As long as those of jobs and of ModelStudio. */
export const idOf = (phase: Phase, index: number) =>
  `job_${phase.padEnd(16, '0')}${String(index).padStart(10, '0')}`;

export function expectedWakeUp(now: Millis): WakeUp {
  return { seq: 1, token: '5'.repeat(26), dueAt: now - 1000 };
}

/** What the tables hold of a job in one of the phases. */
export function rowsOf(phase: Phase, jobId: string, base: string, now: Millis) {
  const cloud = new Cloud({ time: new VirtualTime(now) });
  const job: JobBase = {
    jobId,
    client: 'my-app',
    modelId: MODEL,
    totalTasks: 1,
    metadata: { order: '4711', customer: 'c_0123456789' },
    fingerprint: 'f'.repeat(64),
    createdAt: now - 20_000,
    updatedAt: now - 20_000,
    expiresAt: now + 86_400_000,
    wakeUpDeadline: now + 7_200_000,
    version: 2,
  };
  const webhook: PendingWebhook = {
    ...{ id: `msg_${'w'.repeat(26)}`, url: base + HOOK_PATH, status: 'pending' },
    ...{ attempts: 0, attemptsBefore: 0, log: [], leaseUntil: null },
    expectedWakeUp: phase === 'finished' ? expectedWakeUp(now) : null,
  };
  const event = { store: 'table', key: `events/${jobId}/${'e'.repeat(26)}.json` } as const;
  const done: FinishedJob = {
    ...job,
    ...{ status: 'completed', completedTasks: 1, failedTasks: 0, finishedAt: now, error: null, version: 3 },
    ...{ event, results: 'in-event', webhook },
  };
  const known = {
    completedTasks: 0,
    isSeen: true,
    doubt: null,
    expectedWakeUp: expectedWakeUp(now),
    webhook,
  };
  const running: Job = { ...job, ...known, status: 'running', upstreamJobId: jobId };
  const jobs: Record<Phase, Job> = {
    queued: queuedJob(job, webhook),
    running,
    ending: running,
    finished: done,
  };
  new Rows(cloud).set(jobId, jobs[phase]);
  new Contents(cloud).set(event.key, eventJson(done, { json: RESULTS, url: null }));
  return {
    job: cloud.tables.jobs.peek(jobId) as Item,
    document: cloud.tables.documents.peek(event.key) as Item,
  };
}

function queuedJob(job: JobBase, webhook: PendingWebhook): QueuedJob {
  return { ...job, webhook, status: 'queued', queueing: { until: job.expiresAt, turn: 1 } };
}

/** Lets jobs through as fast as it may. */
export function gate(): Item {
  const { version, arrivedAt, isPaused, ...state } = { ...NEW_GATE, phase: 'draining' };
  const pace = { rate: 40, ceiling: 0, refusedProbes: 0, nextAt: 0 };
  const row = { jobId: GATE_ID, version: 2, gate: { ...state, expectedWakeUp: expectedWakeUp(0), pace } };
  return marshall(row) as Item;
}

/** The queue as its index has it: one job. */
export function waiting(now: Millis): Item[] {
  const jobId = idOf('queued', 0);
  const job = jobOf(rowsOf('queued', jobId, '', now).job);
  return [marshall({ jobId, ...queueKeys(job) }) as Item];
}

/** Of a kind of job that is well known. */
export function durationStats(): Item {
  const cloud = new Cloud({ time: new VirtualTime(0) });
  const kind = kindOf({ modelId: MODEL, totalTasks: 1 });
  const durations = Array.from({ length: 64 }, (_, i) => 20 + i / 2);
  teach(cloud, kind, durations, (slot) => Date.now() - 1000 * slot);
  return cloud.tables.durationStats.peek(kind) as Item;
}
