import type { CreateResult } from '../create-result.ts';
import type { Report, TransientError } from '../report.ts';

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
