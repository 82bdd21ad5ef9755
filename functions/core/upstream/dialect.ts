import type { CreateResult } from './create-result.ts';
import type { Report, TransientError } from './report.ts';

/**
 * How ModelStudio speaks, as tables: what it documents, what its other documentation and its clients show, and what
 * other services of this kind say. docs/modelstudio.md tells where each comes from. A new spelling is a new entry here.
 */

/**
 * What may be said of a job or of one of its tasks. Words are compared by their letters and digits alone, and of
 * `JobStatus.COMPLETED` by what follows the last dot. A word that is not here is taken for running, and counted.
 */
export const STATES = {
  completed: [
    ...['completed', 'finished', 'succeeded', 'success', 'done'],
    ...['partially_completed', 'completed_with_errors'],
  ],
  failed: ['failed', 'failure', 'error', 'rejected', 'timeout', 'timed_out', 'expired'],
  cancelled: ['canceled', 'cancelled', 'aborted', 'stopped'],
  running: [
    ...['created', 'submitted', 'accepted', 'received', 'registered', 'new', 'open', 'not_started'],
    ...['pending', 'queued', 'in_queue', 'enqueued', 'scheduled', 'waiting', 'on_hold', 'paused', 'delayed'],
    ...['starting', 'started', 'initialized', 'initializing', 'loading', 'preparing', 'provisioning'],
    ...['validating', 'retrying'],
    ...['running', 'processing', 'in_progress', 'in_process', 'working', 'active', 'executing', 'generating'],
    ...['finalizing', 'finishing', 'completing', 'stopping', 'canceling', 'cancelling', 'cancel_requested'],
  ],
} as const satisfies Record<string, readonly string[]>;

/** An answer's members, by their letters and digits alone, the one that counts most first. */
export const MEMBERS = {
  jobId: ['job_id'],
  /** They count where there is no `jobId` or `jobState`: beside `data`, they may be the call's own. */
  id: ['id'],
  state: ['status', 'state'],
  jobState: ['job_status'],
  /** What an answer may be wrapped in. */
  wrapper: ['data'],
  totalTasks: ['total_tasks'],
  completedTasks: ['completed_tasks'],
  results: ['results'],
} as const satisfies Record<string, readonly string[]>;

/** The same of one of the results. */
export const TASK_MEMBERS = {
  index: ['task_index', 'index'],
  state: ['status', 'state'],
  result: ['result'],
  error: ['error'],
} as const satisfies Record<string, readonly string[]>;

/** What some serializers write where JSON has no word for it, and the word that is meant. */
export const FOREIGN_WORDS: ReadonlyMap<string, string> = new Map([
  ['NaN', 'null'],
  ['Infinity', 'null'],
  ['-Infinity', 'null'],
  ['None', 'null'],
  ['undefined', 'null'],
  ['True', 'true'],
  ['False', 'false'],
]);

/** A status line, or else its class, and what it says of a create. What is not certainly a refusal may have created. */
export const CREATE_STATUSES: Readonly<Record<string, CreateResult['kind']>> = {
  '2xx': 'created',
  '3xx': 'refused',
  400: 'invalid',
  401: 'credentials_refused',
  403: 'credentials_refused',
  404: 'model_not_found',
  408: 'unknown',
  413: 'invalid',
  415: 'invalid',
  422: 'invalid',
  429: 'unavailable',
  '4xx': 'refused',
  503: 'unavailable',
  '5xx': 'unknown',
};

/** The same for a question about a job. `report`: what it says is in the body. */
export const REPORT_STATUSES: Readonly<
  Record<string, 'report' | TransientError['cause'] | (Report['kind'] & 'missing')>
> = {
  '2xx': 'report',
  401: 'unauthorized',
  403: 'unauthorized',
  404: 'missing',
  410: 'missing',
  429: 'unavailable',
  503: 'unavailable',
  '5xx': 'server_error',
};

/** Where a refusal or a failure says why, by the members' letters alone, the likeliest first. Each may be a list. */
export const SENTENCES = {
  refusal: [
    ...['detail', 'message', 'error', 'errordescription', 'errormessage'],
    ...['errors', 'messages', 'msg', 'title', 'reason'],
  ],
  /** In a report, `message` often tells that the report could be made. */
  failure: ['error', 'errors', 'errormessage', 'failurereason', 'detail', 'reason', 'message'],
  /** What an entry of a list is about. */
  place: ['loc', 'field', 'param', 'pointer', 'path'],
  /** They repeat what was asked. */
  never: ['input', 'ctx'],
} as const satisfies Record<string, readonly string[]>;

/** Sentences that say no more than the status line does. */
export const EMPTY_SENTENCES: readonly RegExp[] = [
  /^(an? )?(unknown |internal )?(error|failure|exception)( occurred)?$/i,
  /^(bad|invalid|malformed) (request|input|parameters?)$/i,
  /^(request )?validation (error|failed)s?$/i,
  /^one or more validation errors occurred$/i,
  /^the (given data was|request is) invalid$/i,
  /^unprocessable (entity|content)$/i,
  /^(unauthorized|forbidden|access denied|payment required|conflict|gone|locked|request failed)$/i,
  /^(the )?(job|task|request|generation) (has )?failed$/i,
];

/** What servers say of a path that they do not have: whoever speaks is not ModelStudio. */
export const ROUTER_SENTENCES: readonly RegExp[] = [
  /^(?!.*\bmodel).*\b(routes?|path|page|url|uri|endpoint|handler|(static|http) resource)\b/i,
  /^(default backend|cannot (get|post) \/|there is nothing here$)/i,
  /\bnot defined by this api\b/i,
];

/** What may be said of the address as well as of what was asked for there. */
export const NOT_FOUND_SENTENCES: readonly RegExp[] = [
  /^(404\b\W*)?(file )?not[ _-]?found(error|exception)?$/i,
  /^(the )?((requested|specified) )?(resource|organization)\b/i,
];
