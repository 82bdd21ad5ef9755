import type { HttpOutcome } from '../http/http-outcome.ts';
import { retryAfterOf } from '../http/retry-after.ts';
import type { RunningJob } from '../job.ts';
import { documentIn, type Json, withWordsReplaced } from '../json/scan.ts';
import type { CreateResult } from './create-result.ts';
import { FOREIGN_WORDS, MEMBERS } from './dialect/member-names.ts';
import { LIMIT_SENTENCES, NOT_FOUND_SENTENCES, ROUTER_SENTENCES } from './dialect/sentences.ts';
import { CREATE_STATUSES, LIMIT_STATUSES, REPORT_STATUSES } from './dialect/status-codes.ts';
import { isOneOf, plain, sentenceOfFailure, sentenceOfRefusal } from './error-sentence.ts';
import { countIn, reader, stateOf } from './read-members.ts';
import type { Report, TransientError } from './report.ts';
import { placeResults } from './results.ts';

export interface ReadingContext {
  /** Never part of a sentence that is passed on. */
  apiKey: string;
  now: number;
}

export type AskedJob = Pick<RunningJob, 'upstreamJobId' | 'totalTasks'>;

type Answered = HttpOutcome & { kind: 'answered' };

/** Its words may be the request's, which must not make it wait. */
const QUOTED = /(?<!\w)(["'`]).*?\1(?!\w)/g;

/** Reads the outcome of a create call. Unless it is certainly a refusal, it is `unknown`: the job may exist. */
export function readCreation(outcome: HttpOutcome, context: ReadingContext): CreateResult {
  if (outcome.kind === 'answered') return readCreateAnswer(outcome, context);
  const isUnsent = outcome.kind === 'not_connected' || (outcome.kind === 'timeout' && !outcome.isConnected);
  return isUnsent
    ? { kind: 'unavailable', retryAfterSeconds: null }
    : { kind: 'unknown', cause: outcome.kind };
}

function readCreateAnswer(answer: Answered, { apiKey, now }: ReadingContext): CreateResult {
  const { status, body, headers } = answer;
  const sentence = () => sentenceOfRefusal(body, apiKey);
  const isForNow =
    LIMIT_STATUSES.includes(status) && isOneOf(LIMIT_SENTENCES, (sentence() ?? '').replace(QUOTED, ''));
  const kind = isForNow ? 'unavailable' : (ofStatus(CREATE_STATUSES, status) ?? 'unknown');
  switch (kind) {
    case 'created': {
      const upstreamJobId = answer.isTruncated ? null : createdJobId(body);
      return upstreamJobId === null
        ? { kind: 'unknown', cause: 'invalid_response' }
        : { kind, upstreamJobId };
    }
    case 'invalid':
    case 'credentials_refused':
      return { kind, sentence: sentence() };
    case 'model_not_found':
      return saysWhatIsMissing(body, apiKey)
        ? { kind }
        : { kind: 'refused', cause: 'wrong_address', sentence: null };
    case 'refused': {
      const isRedirect = status < 400;
      return isRedirect
        ? { kind, cause: 'redirect', sentence: null }
        : { kind, cause: `status_${status}`, sentence: sentence() };
    }
    case 'unavailable':
      return { kind, retryAfterSeconds: retryAfterOf(headers, now), sentence: sentence() ?? undefined };
    case 'unknown':
      return { kind, cause: `status_${status}` };
  }
}

function ofStatus<T>(table: Readonly<Record<string, T>>, status: number): T | undefined {
  return table[status] ?? table[`${Math.floor(status / 100)}xx`];
}

/** Any web server can say that something was not found; ModelStudio says what. */
export function saysWhatIsMissing(body: Buffer, apiKey: string): boolean {
  const sentence = documentIn(body) && sentenceOfRefusal(body, apiKey);
  return sentence !== null && !isOneOf([...ROUTER_SENTENCES, ...NOT_FOUND_SENTENCES], sentence);
}

const membersOfAnswer = reader(MEMBERS);

/** An answer's members and those of what it wraps; null if it is not an object. */
function readMembers(given: Buffer) {
  const object = documentIn(given) ?? documentIn(withWordsReplaced(given, FOREIGN_WORDS));
  if (!object?.isObject) return null;
  const outer = membersOfAnswer(object);
  const { wrapper } = outer;
  const inner = wrapper?.isObject ? membersOfAnswer(wrapper) : {};
  return { object, outer, inner };
}

function createdJobId(given: Buffer): string | null {
  const read = readMembers(given);
  if (read === null) return null;
  const { outer, inner } = read;
  return jobIdIn(outer.jobId ?? inner.jobId ?? outer.id ?? inner.id);
}

/** Text, or a whole number with all its digits. `.` and `..` would lead to another path. */
function jobIdIn(json: Json | undefined): string | null {
  const value = json?.value;
  const isNumber = typeof value === 'number';
  const id = isNumber ? json?.text : value;
  const isId = typeof id === 'string' && (isNumber ? /^\d{1,512}$/ : /^(?!\.{1,2}$)[!-~]{1,512}$/).test(id);
  return isId ? id : null;
}

export function readReport(outcome: HttpOutcome, job: AskedJob, context: ReadingContext): Report {
  if (outcome.kind !== 'answered') {
    const isSlow = outcome.kind === 'timeout' && outcome.isConnected;
    return isSlow ? { kind: 'too_slow' } : transientError(outcome.kind);
  }
  const { status, body, headers, isTruncated } = outcome;
  const kind = ofStatus(REPORT_STATUSES, status) ?? 'invalid_response';
  switch (kind) {
    case 'report':
      return isTruncated ? { kind: 'too_large' } : readReportBody(body, job, context);
    case 'missing':
      return readMissing(status, body, context);
    case 'unavailable':
      return transientError(kind, retryAfterOf(headers, context.now) ?? 0);
    default:
      return transientError(kind);
  }
}

/** A proxy in front of ModelStudio may answer in its place, though seldom in JSON. */
function readMissing(status: number, body: Buffer, { apiKey }: ReadingContext): Report {
  const isGone = status === 410 && !body.toString('latin1', 0, 100).trimStart().startsWith('<');
  const isTold = readMembers(body) && !isOneOf(ROUTER_SENTENCES, sentenceOfRefusal(body, apiKey) ?? '');
  return isGone || isTold ? { kind: 'missing', isGone } : transientError('invalid_response');
}

function readReportBody(given: Buffer, job: AskedJob, { apiKey }: ReadingContext): Report {
  const read = readMembers(given);
  if (read === null) return transientError('invalid_response');
  const { object, outer, inner } = read;
  // Wrapped members count before those next to the wrapper, which may be about the call.
  const isWrapped = !(outer.jobState ?? outer.results);
  const members = isWrapped ? { ...outer, ...inner } : outer;
  if (jobIdIn(members.jobId) && !isOfJob(members.jobId, job)) return transientError('invalid_response');

  const stateJson = members.jobState ?? (isAboutJob(members, job) ? members.state : undefined);
  const word = stateJson?.value;
  const placed = members.results ? placeResults(members.results, job.totalTasks) : null;
  const completedTasks = countIn(members.completedTasks);
  const state = typeof word === 'string' ? stateOf(word) : null;
  switch (state) {
    case 'completed':
      return placed ? { kind: 'completed', results: placed } : { kind: 'unreadable', raw: given };
    case 'failed':
    case 'cancelled': {
      const isCancelled = state === 'cancelled';
      const results = placed && placed.missing < job.totalTasks ? placed : null;
      const sentence = sentenceOfFailure((isWrapped && outer.wrapper) || object, apiKey);
      return { kind: 'failed', isCancelled, completedTasks, results, sentence };
    }
    case 'running':
      return { kind: 'running', completedTasks, unknownState: null };
    case null: {
      const total = countIn(members.totalTasks) ?? job.totalTasks;
      const isWhole = placed?.isEachEnded && total === job.totalTasks + placed.surplus;
      if (isWhole) return { kind: 'completed', results: placed };
      if (word === undefined && !members.results) return transientError('invalid_response');
      const called = typeof word === 'string' ? word : (JSON.stringify(word) ?? '');
      return { kind: 'running', completedTasks, unknownState: plain(called, apiKey) ?? '' };
    }
  }
}

/** Without any other member of a job, `status` may be about the call, as in any service. */
function isAboutJob(members: ReturnType<typeof membersOfAnswer>, job: AskedJob): boolean {
  const { jobId, id, totalTasks, completedTasks, results } = members;
  return Boolean(jobId ?? totalTasks ?? completedTasks ?? results) || isOfJob(id, job);
}

/** An id may come back in another case. */
function isOfJob(id: Json | undefined, { upstreamJobId }: AskedJob): boolean {
  return jobIdIn(id)?.toLowerCase() === upstreamJobId.toLowerCase();
}

function transientError(cause: TransientError['cause'], retryAfterSeconds = 0): TransientError {
  return { kind: 'transient_error', cause, retryAfterSeconds };
}
