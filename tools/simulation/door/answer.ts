import type { Answer } from '../../../functions/core/http/request-answer.ts';
import { must } from '../judge.ts';

/** As docs/api.md has them. */
const STATUSES: Record<string, number> = {
  invalid_request: 400,
  modelstudio_invalid_request: 400,
  unauthenticated: 401,
  insufficient_scope: 403,
  not_found: 404,
  model_not_found: 404,
  method_not_allowed: 405,
  submission_in_progress: 409,
  not_cancellable: 409,
  not_finished: 409,
  not_redeliverable: 409,
  not_deletable: 409,
  job_deleted: 409,
  too_large: 413,
  unsupported_media_type: 415,
  idempotency_key_reused: 422,
  too_many_redeliveries: 429,
  internal_error: 500,
  modelstudio_rejected: 502,
  modelstudio_refused: 502,
  modelstudio_unavailable: 503,
  job_unavailable: 503,
  submission_unknown: 504,
};

/** Of these headers, each goes with some answers, and with no others. */
const HEADERS_OF: Record<string, readonly string[]> = {
  'www-authenticate': ['unauthenticated'],
  allow: ['method_not_allowed'],
  'x-should-retry': ['submission_unknown', 'internal_error', 'job_unavailable'],
};
/** The codes by which a header comes with some requests only. */
const OF_SOME = ['internal_error', 'job_unavailable'];
const MEMBERS = ['type', 'title', 'status', 'detail', 'code', 'request_id'];
const MORE_MEMBERS: Record<string, string> = { invalid_request: 'errors', submission_unknown: 'job_id' };

/** An answer as a client reads it. */
export interface Said {
  status: number;
  /** Of a refusal; '' when the job, or whatever was asked for, is in the answer. */
  code: string;
  headers: Record<string, string>;
  /** Whole seconds; null: there is no such header. */
  retryAfter: number | null;
  // biome-ignore lint/suspicious/noExplicitAny: it is whatever has been answered
  json: any;
  text: string;
}

/** Whatever an answer says, this is how it says it. @param requestId by which the gateway knows the request */
export function readAnswer({ status, headers, body }: Answer, requestId: string, isHead: boolean): Said {
  const json = body === '' ? {} : JSON.parse(body);
  const code = status < 400 || isHead ? '' : String(json.code);
  const retryAfter = headers['retry-after'] ?? null;
  const isWhole = retryAfter === null || /^[1-9]\d*$/.test(retryAfter);
  must(isWhole, 'I10', () => `an answer asks to come back after ${retryAfter} s`);
  must(headers['cache-control'] === 'no-store', 'I10', () => 'an answer may be stored');
  const type = headers['content-type'];
  const isBare = status === 204 || status === 307;
  const expectedType = isBare ? undefined : `application/${status < 400 ? 'json' : 'problem+json'}`;
  must(type === expectedType, 'I10', () => `an answer of ${status} is ${type}`);
  const hasNoBody = isHead || isBare;
  must((body === '') === hasNoBody, 'I10', () => `an answer of ${status} has the body "${body}"`);
  if (code !== '') judgeProblem(code, status, json, requestId);
  for (const [name, codes] of Object.entries(HEADERS_OF)) {
    const isOwed = codes.includes(code) && !OF_SOME.includes(code);
    const isGiven = headers[name] !== undefined;
    must(
      isHead || isGiven === isOwed || (isGiven && codes.includes(code)),
      'I10',
      () => `${code} and ${name}: ${headers[name]}`,
    );
  }
  return {
    status,
    code,
    headers,
    retryAfter: retryAfter === null ? null : Number(retryAfter),
    json,
    text: body,
  };
}

function judgeProblem(code: string, status: number, json: Record<string, unknown>, requestId: string) {
  must(STATUSES[code] === status, 'I10', () => `${code} is answered with ${status}`);
  const more = MORE_MEMBERS[code];
  const given = Object.keys(json).filter((name) => name !== more);
  must(String(given) === String(MEMBERS), 'I10', () => `${code} has the members ${given}`);
  must(more === undefined || json[more] !== undefined, 'I10', () => `${code} lacks its ${more}`);
  must(json['status'] === status, 'I10', () => `${code} says that it is ${json['status']}`);
  must(json['request_id'] === requestId, 'I10', () => `${code} is of the request ${json['request_id']}`);
  must(String(json['type']).endsWith(`:${code}`), 'I10', () => `${code} is of the type ${json['type']}`);
  const isTold =
    typeof json['detail'] === 'string' && json['detail'] !== '' && String(json['detail']).length <= 400;
  must(isTold, 'I10', () => `${code} says ${json['detail']}`);
}
