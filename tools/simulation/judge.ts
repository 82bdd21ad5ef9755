import { type FinishedJob, isFinished, type Job } from '../../functions/core/job.ts';

/** An invariant that did not hold. Its number is that of docs/guarantees.md. */
export class Violation extends Error {
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.invariant = invariant;
  }
}

export function must(holds: boolean, invariant: string, message: () => string): asserts holds {
  if (!holds) throw new Violation(invariant, message());
}

const ORDER = { queued: 0, submitting: 0, running: 1, completed: 2, failed: 2, cancelled: 2, expired: 2 };

/** What must hold between two versions of a job. */
export function judgeWrite(before: Job | undefined, after: Job): void {
  if (before === undefined) return;
  const steps = `${before.status} → ${after.status}`;
  must(
    after.version === before.version + 1,
    'I9',
    () => `${after.jobId} skips from ${before.version} to ${after.version}`,
  );
  must(ORDER[after.status] >= ORDER[before.status], 'I5', () => `${after.jobId} goes back: ${steps}`);
  must(placeOf(before) <= placeOf(after), 'I19', () => `the chain of ${after.jobId} goes back`);
  if (!isFinished(before) || !isFinished(after)) return;
  must(after.status === before.status, 'I5', () => `${after.jobId} changes its end: ${steps}`);
  must(after.finishedAt === before.finishedAt, 'I5', () => `${after.jobId} ends twice`);
  must(after.event.key === before.event.key, 'I3', () => `${after.jobId} gets another event`);
  must(after.webhook?.id === before.webhook?.id, 'I3', () => `${after.jobId} gets another webhook-id`);
  const wasSettled = before.webhook !== null && before.webhook.status !== 'pending';
  const isSame = before.webhook?.status === after.webhook?.status;
  const rounds = roundsBegun(before, after);
  const isRedelivery =
    rounds === 1 &&
    after.webhook?.status === 'pending' &&
    after.webhook.attemptsBefore === before.webhook?.attempts;
  must(
    !wasSettled || isSame || isRedelivery,
    'I8',
    () => `${after.jobId}: webhook ${before.webhook?.status} → ${after.webhook?.status}`,
  );
}

/** However often an app asks for it, its receiver gets twenty more rounds at most, a minute apart. */
function roundsBegun(before: FinishedJob, after: FinishedJob): number {
  const [was, is] = [before.webhook?.redelivered, after.webhook?.redelivered];
  const begun = (is?.rounds ?? 0) - (was?.rounds ?? 0);
  must(begun === 0 || begun === 1, 'I19', () => `${after.jobId} begins ${begun} rounds at once`);
  must((is?.rounds ?? 0) <= 20, 'I19', () => `${after.jobId} is redelivered ${is?.rounds} times`);
  const millis = (is?.at ?? 0) - (was?.at ?? 0);
  must(begun === 0 || millis >= 60_000, 'I19', () => `${after.jobId} is redelivered ${millis} ms later`);
  return begun;
}

/** Each chain goes forwards only, so that none of its old messages is ever ahead of its row. */
function placeOf(job: Job): number {
  if (job.status === 'running') return job.expectedWakeUp.seq;
  const { webhook } = job;
  const place = webhook?.status === 'pending' ? webhook.expectedWakeUp?.seq : webhook?.lastSeq;
  return isFinished(job) ? 1e9 + (place ?? 0) : 0;
}

/** A text that must not leave the way it is meant for: prompts and keys hold it. */
export const CANARY = 'canary-7f3a';

/** Another part of each prompt, which ModelStudio quotes where it refuses it: that its app may read. */
export const PROMPT = 'the whale sings at midnight';

export function judgeText(where: string, text: string): void {
  must(!text.includes(PROMPT), 'I17', () => `a prompt is quoted in ${where}: ${text.slice(0, 200)}`);
  judgeAnswerText(where, text);
}

/** One that goes to the app whose prompt it is. */
export function judgeAnswerText(where: string, text: string): void {
  must(!text.includes(CANARY), 'I17', () => `a prompt or a key appears in ${where}: ${text.slice(0, 200)}`);
}
