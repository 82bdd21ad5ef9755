import { SUBMISSIONS_MAX } from './limits.ts';
import type { DocumentRef, Parts } from './parts/row.ts';

/** Milliseconds since the Unix epoch. */
export type Millis = number;

/**
 * A queued message that makes a job's next step happen. The row names the one that it expects, so a message
 * that arrives twice, late or again finds that it is not the expected one and ends there.
 */
export interface WakeUp {
  /** Place in the job's chain of wake-ups, from 1. */
  readonly seq: number;
  /** Distinguishes two messages with the same place, of which only the recorded one counts. */
  readonly token: string;
  readonly dueAt: Millis;
}

export interface JobError {
  readonly code: string;
  readonly message: string;
  /** Of an upload: where it is not valid, by line or by JSON Pointer. */
  readonly details?: readonly Readonly<{ line?: number; pointer?: string; message: string }>[];
}

export interface Attempt {
  /** Counted from 1, over all rounds. */
  readonly attempt: number;
  readonly at: Millis;
  /** HTTP status of the answer; null if there was none. */
  readonly status: number | null;
  readonly durationMillis: Millis;
  /** Why there was no answer. */
  readonly error: string | null;
  /** Where a redirect pointed to, which was not followed. */
  readonly location?: string;
  readonly nextAttemptAt: Millis | null;
}

interface WebhookBase {
  readonly id: string;
  /** Or the name of the destination. */
  readonly url: string;
  /** It goes to a queue or a bus of the operator's. */
  readonly destination?: true;
  /** Attempts so far, over all rounds. */
  readonly attempts: number;
  /** Attempts before this round of the schedule began: each redelivery is a round of its own. */
  readonly attemptsBefore: number;
  /** The latest attempts, the oldest first. One is missing if its worker died before recording it. */
  readonly log: readonly Attempt[];
  /** The rounds that an app has asked for, and when it last did; missing while there are none. */
  readonly redelivered?: { readonly rounds: number; readonly at: Millis };
}

/** Expects nothing until the job has finished. `leaseUntil`: an attempt is under way until then. */
export interface PendingWebhook extends WebhookBase {
  readonly status: 'pending';
  readonly expectedWakeUp: WakeUp | null;
  readonly leaseUntil: Millis | null;
  /** When the expected wake-up is due, if that is because the receiver hangs. */
  readonly heldUntil?: Millis;
}

export interface SettledWebhook extends WebhookBase {
  readonly status: 'delivered' | 'exhausted' | 'gone' | 'blocked';
  /** Place of its last wake-up; a redelivery continues from there, so that the old messages stay stale. */
  readonly lastSeq: number;
}

export type Webhook = PendingWebhook | SettledWebhook;

export interface JobBase {
  readonly jobId: string;
  /** Name of the client that owns the job; nobody else sees it. */
  readonly client: string;
  readonly modelId: string;
  readonly totalTasks: number;
  /** Of its `max_tokens`, unless that is about the default. */
  readonly tokensClass?: number;
  readonly metadata: Readonly<Record<string, string>>;
  /** SHA-256 of the parsed request, which distinguishes a repeated request from a different one. */
  readonly fingerprint: string;
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
  readonly expiresAt: Millis;
  /** If nothing has been written by then, its wake-up counts as lost. */
  readonly wakeUpDeadline: Millis;
  /** Counts the writes to the row; every write is conditional on the version that was read. */
  readonly version: number;
  /** Of a job that waits for ModelStudio to take it: while this is here, its request may be stored. */
  readonly queueing?: Queueing;
  /** When ModelStudio created it, if it had to wait for that. */
  readonly startedAt?: Millis;
  /** How often ModelStudio was asked to create it, and did not refuse; only of jobs that may be resubmitted. */
  readonly submissions?: number;
  /** Of a job that is created in several parts. */
  readonly parts?: Parts;
  /** Of such a part: the job that it is a part of. Its client does not see it. */
  readonly partOf?: string;
  /** Its place among those of jobs that may run at ModelStudio at once, if their number is bounded. */
  readonly place?: Place;
  /** The trace of its submission, if that came with one: `<trace id>-<flags>`. */
  readonly trace?: string;
  readonly tracestate?: string;
}

export interface Place {
  readonly number: number;
  /** Distinguishes this time that it was taken from all others. */
  readonly token: string;
  /** Once the job is created. It stays when the job has ended here, which ModelStudio may not know. */
  readonly upstreamJobId?: string;
}

export interface Queueing {
  /** Then the job ends, unless it expires earlier. */
  readonly until: Millis;
  /** Its place among all queued jobs: the lowest comes first. */
  readonly turn: number;
  /** Of a part: when it began to wait, which its job may have done long before. */
  readonly since?: Millis;
  /** Of a part: it holds one conversation that is larger than a part should be. */
  readonly isOversized?: true;
}

/** `missing`: the job is unknown. `gaps`: some results are missing at the end. `unreadable`: all of them are. */
export interface Doubt {
  readonly about: 'missing' | 'gaps' | 'unreadable';
  readonly since: Millis;
}

/** Waits until ModelStudio takes it; nothing has been created, unless it is resubmitted. */
export interface QueuedJob extends JobBase {
  readonly status: 'queued';
  readonly queueing: Queueing;
  readonly webhook: PendingWebhook | null;
}

/** ModelStudio's create call is under way. After `leaseUntil`, the worker that made it is gone. */
export interface SubmittingJob extends JobBase {
  readonly status: 'submitting';
  readonly leaseUntil: Millis;
  readonly webhook: PendingWebhook | null;
}

/** One of those that waited. */
export type TakenJob = SubmittingJob & Pick<QueuedJob, 'queueing'>;

export interface RunningJob extends JobBase {
  readonly status: 'running';
  readonly upstreamJobId: string;
  readonly completedTasks: number;
  /** When a poll first saw that so many tasks were done; of a large job or of its parts alike. */
  readonly progressAt?: Millis;
  /** The latest wake-up that was recorded; later ones may be under way. */
  readonly expectedWakeUp: WakeUp;
  /** True: ModelStudio has reported on the job. It may also have done so when this is false. */
  readonly isSeen: boolean;
  /** Something that ModelStudio says which will end the job if it goes on; null while there is no such thing. */
  readonly doubt: Doubt | null;
  readonly webhook: PendingWebhook | null;
}

export const UNFINISHED = ['queued', 'submitting', 'running'] as const;
export const TERMINAL = ['completed', 'failed', 'cancelled', 'expired'] as const;
export const STATUSES = [...UNFINISHED, ...TERMINAL] as const;

export interface FinishedJob extends JobBase {
  readonly status: (typeof TERMINAL)[number];
  readonly completedTasks: number;
  readonly failedTasks: number;
  readonly finishedAt: Millis;
  readonly error: JobError | null;
  /** The event `job.<status>`: the very bytes of the webhook's body. */
  readonly event: DocumentRef;
  /** The results: inside the event, in a document of their own, or none. */
  readonly results: 'in-event' | DocumentRef | null;
  readonly webhook: Webhook | null;
}

export type UnfinishedJob = QueuedJob | SubmittingJob | RunningJob;
export type Job = UnfinishedJob | FinishedJob;

type Told = 'tracestate' | 'metadata' | 'fingerprint';
type Over = 'expiresAt' | 'wakeUpDeadline' | 'queueing' | 'startedAt';

/** What is left of a job that its client has deleted: its id stays used, and so may its place. To a client it does not exist. */
export interface DeletedJob extends Omit<JobBase, Told | Over>, Pick<FinishedJob, 'finishedAt'> {
  readonly status: 'deleted';
  /** Its documents, until they are deleted; as long, its request may be stored. */
  readonly leftovers?: readonly DocumentRef[];
}

export type JobRow = Job | DeletedJob;

export const WEBHOOK_STATUSES = ['pending', 'delivered', 'exhausted', 'gone', 'blocked'] as const;

/** A finished job whose webhook waits for an attempt or has one under way. */
export type PendingJob = FinishedJob & { readonly webhook: PendingWebhook };

export function isFinished(job: Job): job is FinishedJob {
  return job.status !== 'queued' && job.status !== 'submitting' && job.status !== 'running';
}

export function isPending(job: Job): job is PendingJob {
  return isFinished(job) && job.webhook?.status === 'pending';
}

/** When a job ends that ModelStudio has not taken by then. */
export function givenUpAt({ queueing, expiresAt }: JobBase): Millis {
  return Math.min(queueing?.until ?? expiresAt, expiresAt);
}

/** Whether it may be given to ModelStudio again, which may have created it: its owner would rather have it twice than not at all. */
export function mayResubmit(job: SubmittingJob, now: Millis): job is TakenJob {
  const { queueing, submissions = SUBMISSIONS_MAX } = job;
  return queueing !== undefined && submissions < SUBMISSIONS_MAX && now < givenUpAt(job);
}

export function runningSince({ startedAt, createdAt }: JobBase): Millis {
  return startedAt ?? createdAt;
}

/** Whether a worker is making an attempt right now. */
export function isClaimed(webhook: Webhook, now: Millis): boolean {
  return webhook.status === 'pending' && (webhook.leaseUntil ?? 0) > now;
}

/**
 * How a message relates to the wake-up that its job expects. `ahead`: it was sent, and then its sender died
 * before recording it, so it is the only message that can continue the job.
 */
export function classifyWakeUp(message: WakeUp, awaited: WakeUp | null): 'expected' | 'ahead' | 'stale' {
  if (awaited === null) return 'stale';
  if (message.seq > awaited.seq) return 'ahead';
  const isExpected = message.seq === awaited.seq && message.token === awaited.token;
  return isExpected ? 'expected' : 'stale';
}
