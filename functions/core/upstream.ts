import type { Creation } from './creation.ts';
import {
  CREATE_STATUSES,
  FOREIGN_WORDS,
  MEMBERS,
  REPORT_STATUSES,
  WRONG_ADDRESS_SENTENCES,
} from './dialect.ts';
import type { RunningJob } from './job.ts';
import { documentIn, isObjectAt, type Span, textAt, valueAt, withWordsReplaced } from './json.ts';
import type { Outcome } from './outcome.ts';
import type { Report, Trouble } from './report.ts';
import { placeResults } from './results.ts';
import { retryAfterOf } from './retry-after.ts';
import { sentenceOfFailure, sentenceOfRefusal } from './sentence.ts';
import { countAt, reader, stateOf } from './spelling.ts';

/** What is needed to read an answer, and to keep to oneself what is in it. */
export interface ReadingContext {
  /** Never part of a sentence that is handed on. */
  apiKey: string;
  now: number;
}

/** The job that was asked about. */
type AskedJob = Pick<RunningJob, 'upstreamJobId' | 'totalTasks'>;

type Answered = Outcome & { kind: 'answered' };

/** Reads what came of the create call. What is not certainly a refusal is `unknown`: the job may exist. */
export function readCreation(outcome: Outcome, context: ReadingContext): Creation {
  if (outcome.kind === 'answered') return readCreateAnswer(outcome, context);
  const isUnsent = outcome.kind === 'not_connected' || (outcome.kind === 'timeout' && !outcome.isConnected);
  return isUnsent
    ? { kind: 'unavailable', retryAfterSeconds: null }
    : { kind: 'unknown', cause: outcome.kind };
}

function readCreateAnswer(answer: Answered, { apiKey, now }: ReadingContext): Creation {
  const { status, body, headers } = answer;
  const kind = ofStatus(CREATE_STATUSES, status) ?? 'unknown';
  const sentence = () => sentenceOfRefusal(body, apiKey);
  switch (kind) {
    case 'created': {
      const upstreamJobId = answer.isTruncated ? null : createdJobId(body);
      return upstreamJobId === null ? { kind: 'unknown', cause: 'nonsense' } : { kind, upstreamJobId };
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
      return { kind, retryAfterSeconds: retryAfterOf(headers, now) };
    case 'unknown':
      return { kind, cause: `status_${status}` };
  }
}

function ofStatus<T>(table: Readonly<Record<string, T>>, status: number): T | undefined {
  return table[status] ?? table[`${Math.floor(status / 100)}xx`];
}

/** Any web server says that it has not found something; ModelStudio says what. */
export function saysWhatIsMissing(body: Buffer, apiKey: string): boolean {
  const sentence = documentIn(body) && sentenceOfRefusal(body, apiKey);
  if (sentence === null) return false;
  return !WRONG_ADDRESS_SENTENCES.some((pattern) => pattern.test(sentence.replace(/[\s.!]+$/, '')));
}

const createMembers = reader({ jobId: MEMBERS.jobId, wrapper: MEMBERS.wrapper });

function createdJobId(body: Buffer): string | null {
  const document = documentIn(body);
  if (document === null || !isObjectAt(body, document)) return null;
  const { jobId, wrapper } = createMembers(body, document);
  if (jobId) return jobIdAt(body, jobId);
  const isWrapped = wrapper && isObjectAt(body, wrapper);
  const wrapped = isWrapped ? createMembers(body, wrapper).jobId : undefined;
  return wrapped ? jobIdAt(body, wrapped) : null;
}

/** Text, or a whole number, of which each digit counts. `.` and `..` would lead to another path. */
function jobIdAt(body: Buffer, span: Span): string | null {
  const written = textAt(body, span);
  const id = /^\d{1,512}$/.test(written) ? written : valueAt(body, span);
  const isId = typeof id === 'string' && /^(?!\.{1,2}$)[\x21-\x7e]{1,512}$/.test(id);
  return isId ? id : null;
}

/** Reads what came of asking about a job. */
export function readReport(outcome: Outcome, job: AskedJob, context: ReadingContext): Report {
  if (outcome.kind !== 'answered') {
    const isSlow = outcome.kind === 'timeout' && outcome.isConnected;
    return isSlow ? { kind: 'too_slow' } : trouble(outcome.kind);
  }
  const { status, body, headers, isTruncated } = outcome;
  const kind = ofStatus(REPORT_STATUSES, status) ?? 'nonsense';
  switch (kind) {
    case 'report':
      return isTruncated ? { kind: 'too_large' } : readReportBody(body, job, context);
    case 'missing':
      return readMissing(status, body);
    case 'unavailable':
      return trouble(kind, retryAfterOf(headers, context.now) ?? 0);
    default:
      return trouble(kind);
  }
}

/** Whoever stands before ModelStudio may answer in its place, though seldom in JSON. */
function readMissing(status: number, body: Buffer): Report {
  const isGone = status === 410 && !body.toString('latin1', 0, 100).trimStart().startsWith('<');
  return isGone || documentIn(body) ? { kind: 'missing', isGone } : trouble('nonsense');
}

const reportMembers = reader({
  // Not by its other names, which may be another thing's.
  jobId: [MEMBERS.jobId[0]],
  state: MEMBERS.state,
  totalTasks: MEMBERS.totalTasks,
  completedTasks: MEMBERS.completedTasks,
  results: MEMBERS.results,
  wrapper: MEMBERS.wrapper,
});

function readReportBody(given: Buffer, job: AskedJob, context: ReadingContext): Report {
  const body = documentIn(given) ? given : inJson(given);
  const document = documentIn(body);
  if (document === null || !isObjectAt(body, document)) return trouble('nonsense');
  const outer = reportMembers(body, document);
  const isWrapped = !outer.state && !outer.results && outer.wrapper && isObjectAt(body, outer.wrapper);
  const members = isWrapped ? reportMembers(body, outer.wrapper as Span) : outer;
  if (!isOfJob(body, members.jobId, job)) return trouble('nonsense');

  const word = members.state && valueAt(body, members.state);
  const placed = members.results ? placeResults(body, members.results, job.totalTasks) : null;
  const completedTasks = countAt(body, members.completedTasks);
  const state = typeof word === 'string' ? stateOf(word) : null;
  switch (state) {
    case 'completed':
      return placed ? { kind: 'completed', results: placed } : { kind: 'unreadable', raw: given };
    case 'failed':
    case 'cancelled': {
      const isCancelled = state === 'cancelled';
      const results = placed && placed.missing < job.totalTasks ? placed : null;
      const sentence = sentenceOfFailure(
        body,
        isWrapped ? (outer.wrapper as Span) : document,
        context.apiKey,
      );
      return { kind: 'failed', isCancelled, completedTasks, results, sentence };
    }
    case 'running':
      return { kind: 'running', completedTasks, unknownState: null };
    case null: {
      const total = countAt(body, members.totalTasks) ?? job.totalTasks;
      const isWhole = placed?.isEachEnded && placed.surplus === 0 && total === job.totalTasks;
      if (isWhole) return { kind: 'completed', results: placed };
      const isReport = word !== undefined || members.results !== undefined;
      return isReport
        ? { kind: 'running', completedTasks, unknownState: String(word ?? '') }
        : trouble('nonsense');
    }
  }
}

/** An id of null says nothing, and letters may come back in another case. */
function isOfJob(body: Buffer, jobId: Span | undefined, { upstreamJobId }: AskedJob): boolean {
  const id = jobId && jobIdAt(body, jobId);
  return !id || id.toLowerCase() === upstreamJobId.toLowerCase();
}

/** The same with JSON's own words in place of other languages'. */
function inJson(body: Buffer): Buffer {
  const isObject = body.toString('latin1', 0, 100).trimStart().startsWith('{');
  return isObject ? withWordsReplaced(body, FOREIGN_WORDS) : body;
}

function trouble(cause: Trouble['cause'], retryAfterSeconds = 0): Trouble {
  return { kind: 'trouble', cause, retryAfterSeconds };
}
