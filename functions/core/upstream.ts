import * as z from 'zod/mini';
import type { Creation } from './creation.ts';
import type { Outcome } from './outcome.ts';
import type { Report, Results, Trouble } from './report.ts';
import { retryAfterIn } from './retry-after.ts';

const SENTENCE_MAX_LENGTH = 300;

const CreateAnswer = z.object({ job_id: z.string().check(z.regex(/^[\x21-\x7e]{1,512}$/)) });

const maybe = z.optional(z.unknown());

const Task = z.looseObject({ task_index: maybe, status: maybe, error: maybe });
const ReportAnswer = z.object({
  job_id: z.optional(z.string()),
  job_status: z.string(),
  completed_tasks: maybe,
  results: z.optional(z.nullable(z.array(Task))),
});

/** Only `created` is documented; the others speak for themselves. Any other state is taken for running, too, and counted. */
const RUNNING_STATES = new Set(['created', 'pending', 'queued', 'processing', 'running', 'in_progress']);

/** Reads what came of the create call. What is not certainly a refusal is `unknown`: the job may exist. */
export function readCreation(outcome: Outcome, now: number): Creation {
  if (outcome.kind === 'not_connected') return { kind: 'unavailable', retryAfterSeconds: null };
  if (outcome.kind === 'cut') return { kind: 'unknown', cause: 'cut' };
  if (outcome.kind === 'timeout') {
    return outcome.isConnected
      ? { kind: 'unknown', cause: 'timeout' }
      : { kind: 'unavailable', retryAfterSeconds: null };
  }
  const { status, body, headers } = outcome;
  switch (status) {
    case 400:
    case 413:
    case 415:
    case 422:
      return { kind: 'invalid', sentence: sentenceIn(body) };
    case 401:
    case 403:
      return { kind: 'credentials_refused' };
    case 404:
      return { kind: 'model_not_found' };
    case 429:
    case 503:
      return { kind: 'unavailable', retryAfterSeconds: retryAfterIn(headers['retry-after'], now) };
  }
  if (status < 200 || status > 299) return { kind: 'unknown', cause: `status_${status}` };
  const answer = outcome.isTruncated ? null : CreateAnswer.safeParse(parseJson(body));
  return answer?.success
    ? { kind: 'created', upstreamJobId: answer.data.job_id }
    : { kind: 'unknown', cause: 'nonsense' };
}

/** Reads what came of asking about a job. */
export function readReport(outcome: Outcome, upstreamJobId: string, now: number): Report {
  if (outcome.kind !== 'answered') return trouble(outcome.kind);
  const { status, body, headers, isTruncated } = outcome;
  if (status === 404) return { kind: 'missing' };
  if (status === 401 || status === 403) return trouble('unauthorized');
  if (status === 429 || status === 503) {
    return trouble('unavailable', retryAfterIn(headers['retry-after'], now) ?? 0);
  }
  if (status >= 500) return trouble('server_error');
  if (status < 200 || status > 299) return trouble('nonsense');
  if (isTruncated) return { kind: 'too_large' };
  const answer = ReportAnswer.safeParse(parseJson(body));
  const isOurs = answer.success && (answer.data.job_id ?? upstreamJobId) === upstreamJobId;
  return isOurs ? reportOf(answer.data) : trouble('nonsense');
}

function reportOf(answer: z.infer<typeof ReportAnswer>): Report {
  const state = answer.job_status.toLowerCase();
  const completedTasks = count(answer.completed_tasks);
  if (state !== 'completed' && state !== 'failed') {
    return { kind: 'running', completedTasks, unknownState: RUNNING_STATES.has(state) ? null : state };
  }
  const results = answer.results ? resultsOf(answer.results) : null;
  if (results === 'too_deep') return trouble('nonsense');
  if (state === 'failed') return { kind: 'failed', completedTasks, results };
  return results === null ? trouble('nonsense') : { kind: 'completed', completedTasks, results };
}

function resultsOf(tasks: z.infer<typeof Task>[]): Results | 'too_deep' {
  const inOrder = tasks.every((task) => count(task.task_index) !== null)
    ? tasks.toSorted((a, b) => Number(a.task_index) - Number(b.task_index))
    : tasks;
  try {
    return { json: JSON.stringify(inOrder), failedTasks: tasks.filter(hasFailed).length };
  } catch {
    // JSON can be parsed to any depth, but written only as deep as the stack.
    return 'too_deep';
  }
}

function hasFailed({ status, error }: z.infer<typeof Task>): boolean {
  const hasError = error !== undefined && error !== null && error !== '';
  return hasError || (typeof status === 'string' && /^(failed|error)$/i.test(status));
}

function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

function trouble(cause: Trouble['cause'], retryAfterSeconds = 0): Trouble {
  return { kind: 'trouble', cause, retryAfterSeconds };
}

function parseJson(body: Buffer): unknown {
  try {
    // A decoder of its own, as this one drops a byte order mark.
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
}

/** ModelStudio's own sentence on a refusal, as one line of plain text. */
function sentenceIn(body: Buffer): string | null {
  const answer = z.looseObject({ error: maybe, message: maybe, detail: maybe }).safeParse(parseJson(body));
  if (!answer.success) return null;
  const { error, message, detail } = answer.data;
  const nested = (error as { message?: unknown } | null | undefined)?.message;
  const sentence = [message, detail, error, nested].find(
    (text) => typeof text === 'string' && text.trim() !== '',
  );
  if (typeof sentence !== 'string') return null;
  const plain = sentence
    .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, SENTENCE_MAX_LENGTH);
  return plain.toWellFormed();
}
