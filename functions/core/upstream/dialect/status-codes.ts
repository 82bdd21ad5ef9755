import type { CreateResult } from '../create-result.ts';
import type { Report, TransientError } from '../report.ts';

/** What a status code, or else its class, says about a create. Unless it is certainly a refusal, the job may exist. */
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

/** With these, some services refuse what is too much for now: see `LIMIT_SENTENCES`. */
export const LIMIT_STATUSES: readonly number[] = [400, 402, 403, 409, 423];

/** The same for a poll. `report`: the answer is in the body. */
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
