/** Where a refusal or a failure says why, by the members' letters alone, the likeliest first. Each may be a list. */
export const SENTENCES = {
  refusal: [
    ...['detail', 'message', 'error', 'errordescription', 'errormessage'],
    ...['errors', 'messages', 'msg', 'title', 'reason'],
  ],
  /** In a report, `message` often says only that the call succeeded. */
  failure: ['error', 'errors', 'errormessage', 'failurereason', 'detail', 'reason', 'message'],
  /** What an entry of a list is about. */
  place: ['loc', 'field', 'param', 'pointer', 'path'],
  /** They repeat the request. */
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

/** What servers say about an unknown path: such an answer is not ModelStudio's. */
export const ROUTER_SENTENCES: readonly RegExp[] = [
  /^(?!.*\bmodel).*\b(routes?|path|page|url|uri|endpoint|handler|(static|http) resource)\b/i,
  /^(default backend|cannot (get|post) \/|there is nothing here$)/i,
  /\bnot defined by this api\b/i,
];

/** What may be about the address as well as about the job or model. */
export const NOT_FOUND_SENTENCES: readonly RegExp[] = [
  /^(404\b\W*)?(file )?not[ _-]?found(error|exception)?$/i,
  /^(the )?((requested|specified) )?(resource|organization)\b/i,
];

const JOBS = '(requests|jobs|queries|tasks|runs|executions|generations|connections|anfragen|abfragen)';
const BOUND = String.raw`^(?!.*\b(images?|messages?|conversations?|tools?)\b)(?=.*\b(max\w*|limit\w*|exceed\w*|reach\w*|too many|at most|only|already|zu viele)\b).*\b`;
const ABREAST = String.raw`(concurrent|parallele?|simultaneous|gleichzeitige|active|running|open|pending)( [\w-]+){0,2}`;
const AT_ONCE = '(at once|at (a|the same) time|in (parallel|progress)|concurrently|running)';

/** Too much at once, or in a time: never how much is in one request. A code counts only if it stands alone. */
export const LIMIT_SENTENCES: readonly RegExp[] = [
  new RegExp(String.raw`${BOUND}${ABREAST} (${JOBS}|\w+ (\w+ ){0,3}limit)\b`, 'i'),
  new RegExp(String.raw`${BOUND}${JOBS}( \w+){0,5} ${AT_ONCE}\b`, 'i'),
  /\bconcurrency\b|\brate[- ]?limit|\bthrottl|^rate exceeded|^quota exceeded for\b|\bwait before trying again\b/i,
  /(?<!\b(contains|has|with) )\btoo many requests\b|^too many (concurrent|parallel)\b/i,
  /\b(requests|calls|queries|jobs|tokens|quota)\b.*( \(?per|[/-]) ?(second|min(ute)?|hour|day|month)\b/i,
  /\b(per[- ]minute|hourly|daily|monthly)( \w+)? (limit|quota)\b/i,
  /\b(try again|wait) (once|when|until) .*\b(complet|finish|end)/i,
  /^\w*(too_?many_?(concurrent_?)?(requests|jobs|queries)|rate_?limit|throttl|concurren\w+limit)\w*$/i,
];
