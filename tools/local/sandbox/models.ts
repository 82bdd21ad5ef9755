import type { Report, Task } from './dialects.ts';
import type { Fault } from './faults.ts';
import { imageIn, imageUrlsOf, type Reply, textOf } from './reply.ts';
import type { Conversation } from './request.ts';

/** How a model behaves. All times are milliseconds after the creation of the job. */
export type Model = {
  /** What it is for, in a line of help. */
  note: string;
  /** The dialect of its jobs' reports, whatever the sandbox speaks. */
  dialect?: string;
  taskEndsAt: (index: number, total: number) => number;
  taskError?: (index: number, total: number) => string | null;
  /** A state of the job that does not follow from its tasks; null when it does. */
  jobStatusAt?: (elapsed: number) => string | null;
  /** Why the model does not take a conversation, to follow "messages[0] "; null when it does. */
  refuses?: (conversation: Conversation) => string | null;
  /** What happens to the calls, in turn and forever; null lets one through. */
  rota?: {
    /** By the number of creates of this model since the sandbox was started. */
    create: readonly (Fault | null)[];
    /** By the number of status calls for this job. */
    status: readonly (Fault | null)[];
  };
};

export type Job = { id: string; model: Model; createdAt: number; replies: Reply[]; statusCalls: number };

/** A job is `created` for a moment before it is `processing`, so that clients meet both. */
const CREATED_FOR_MILLISECONDS = 100;

/** Slow enough to watch a small batch, and quick enough for a large one. */
const BATCH_TASK_MILLISECONDS = 800;
const BATCH_MAX_MILLISECONDS = 12_000;

const NEEDS_IMAGE = 'needs at least one image_url part for this model';
const NEEDS_IMAGE_URL = 'has an image that is neither a base64 data: URL of an image nor an https: URL';

/**
 * A create call that is refused is followed by one that is let through, so that a client that retries succeeds.
 * A job's status calls meet every fault before the first true answer.
 */
const FLAKY_ROTA = {
  create: [
    null,
    'too_many_requests',
    null,
    'server_error',
    null,
    'cut',
    null,
    'server_error_after_effect',
    null,
    'cut_after_effect',
    null,
    'not_json',
    null,
    'truncated_json',
  ],
  status: ['too_many_requests', 'server_error', 'cut', 'not_json', 'truncated_json', null],
} satisfies Model['rota'];

export const MODELS: Record<string, Model> = {
  'sandbox-instant': { note: 'done in under a second', taskEndsAt: () => 300 },
  'sandbox-30s': { note: 'done after 30 s', taskEndsAt: () => 30_000 },
  'sandbox-batch': {
    note: 'tasks finish one by one',
    taskEndsAt: (index, total) =>
      (index + 1) * Math.min(BATCH_TASK_MILLISECONDS, BATCH_MAX_MILLISECONDS / total),
  },
  'sandbox-vision': {
    note: 'needs an image part in every conversation',
    taskEndsAt: () => 1000,
    refuses: refusalWithoutImage,
  },
  'sandbox-task-errors': {
    note: 'every second task fails (a single task too), the job completes',
    taskEndsAt: () => 1000,
    taskError: (index, total) =>
      index % 2 === 1 || total === 1 ? `The model failed on task ${index}.` : null,
  },
  'sandbox-fails': {
    note: 'the job fails after a second',
    taskEndsAt: () => Number.POSITIVE_INFINITY,
    jobStatusAt: (elapsed) => (elapsed >= 1000 ? 'failed' : null),
  },
  'sandbox-finished': {
    note: "speaks as IONOS's page does, whatever the dialect: FINISHED, results without an error",
    dialect: 'ionos',
    taskEndsAt: () => 1000,
  },
  'sandbox-canceled': {
    note: 'likewise, and the job is CANCELED after a second',
    dialect: 'ionos',
    taskEndsAt: () => Number.POSITIVE_INFINITY,
    jobStatusAt: (elapsed) => (elapsed >= 1000 ? 'canceled' : null),
  },
  'sandbox-never': { note: 'never ends', taskEndsAt: () => Number.POSITIVE_INFINITY },
  'sandbox-flaky': {
    note: '429s, 500s, cut connections and garbage on the way, completes',
    taskEndsAt: () => 1000,
    rota: FLAKY_ROTA,
  },
};

/** What `GET …/generate/{job_id}` answers at that moment, before it is spelled in a dialect. */
export function reportOn(job: Job, now: number): Report {
  const elapsed = now - job.createdAt;
  const total = job.replies.length;
  const ended = [...job.replies.keys()].filter((index) => job.model.taskEndsAt(index, total) <= elapsed);
  return {
    job_id: job.id,
    job_status: job.model.jobStatusAt?.(elapsed) ?? statusByTasks(ended.length, total, elapsed),
    total_tasks: total,
    completed_tasks: ended.length,
    results: ended.map((index) => taskOf(job, index)),
  };
}

function statusByTasks(ended: number, total: number, elapsed: number): string {
  if (ended === total) return 'completed';
  return elapsed < CREATED_FOR_MILLISECONDS ? 'created' : 'processing';
}

function taskOf({ model, replies }: Job, index: number): Task {
  const error = model.taskError?.(index, replies.length) ?? null;
  if (error !== null) return { task_index: index, status: 'failed', result: null, error };
  return { task_index: index, status: 'completed', result: textOf(replies[index] as Reply), error: null };
}

function refusalWithoutImage(conversation: Conversation): string | null {
  const urls = conversation.flatMap(imageUrlsOf);
  if (urls.length === 0) return NEEDS_IMAGE;
  return urls.every((url) => imageIn(url) !== null || isHttpsUrl(url)) ? null : NEEDS_IMAGE_URL;
}

function isHttpsUrl(url: string): boolean {
  return /^https:/i.test(url) && URL.canParse(url);
}
