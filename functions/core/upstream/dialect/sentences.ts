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
