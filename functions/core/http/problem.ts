import { STATUS_CODES } from 'node:http';
import { redacted } from '../redact.ts';
import type { Answer } from './request-answer.ts';

/** One fault of a request. `pointer` is a JSON Pointer (RFC 6901) into the body; '' is the body itself. */
export interface Fault {
  pointer: string;
  message: string;
}

export const PROBLEMS = {
  invalid_request: [400, 'The request is not valid.'],
  modelstudio_invalid_request: [400, 'ModelStudio refused the request as invalid.'],
  unauthenticated: [401, 'A valid client key is required: "Authorization: Bearer msj_…".'],
  insufficient_scope: [403, 'This client key lacks the scope that the call needs.'],
  not_found: [404, 'There is nothing here.'],
  model_not_found: [404, 'ModelStudio does not know this model.'],
  upload_not_found: [404, 'There is no such upload: it is unknown, or it has expired.'],
  method_not_allowed: [405, 'This path does not take that method.'],
  submission_in_progress: [409, 'A request with this Idempotency-Key is being submitted right now.'],
  not_cancellable: [409, 'The job can no longer be cancelled.'],
  not_finished: [409, 'The job has not finished yet.'],
  not_redeliverable: [409, 'The job has no webhook that could be delivered again.'],
  not_deletable: [409, 'The job cannot be deleted yet.'],
  upload_incomplete: [409, 'The file has not been uploaded yet.'],
  job_deleted: [409, 'The job of this Idempotency-Key was deleted. A new job needs another key.'],
  too_large: [413, 'The body is larger than 4 MiB.'],
  unsupported_media_type: [415, 'The body must be application/json in UTF-8, not content-encoded.'],
  idempotency_key_reused: [422, 'This Idempotency-Key was used with a different request.'],
  too_many_redeliveries: [429, 'The webhook has been redelivered too often.'],
  too_many_uploads: [429, 'There are too many uploads of this client.'],
  internal_error: [500, 'Something went wrong on our side. It is safe to repeat with an Idempotency-Key.'],
  modelstudio_rejected: [502, "ModelStudio refused this deployment's credentials. Nothing was created."],
  modelstudio_refused: [
    502,
    'ModelStudio refused to create the job, and not for the request. Nothing was created.',
  ],
  modelstudio_unavailable: [503, 'ModelStudio is not available right now. Nothing was created.'],
  job_unavailable: [503, 'The job cannot be read for the time being. It is kept: try again later.'],
  submission_unknown: [504, 'ModelStudio did not say whether it created the job. It will not be repeated.'],
} as const satisfies Record<string, readonly [number, string]>;

/** As RFC 9110 has them; Node still calls two of them by older names. */
export const TITLES: Record<number, string | undefined> = {
  ...STATUS_CODES,
  413: 'Content Too Large',
  422: 'Unprocessable Content',
};

export type ProblemCode = keyof typeof PROBLEMS;

/** A refusal as `application/problem+json`, RFC 9457. */
export function problem(
  code: ProblemCode,
  requestId: string,
  extras: { headers?: Record<string, string>; detail?: string; errors?: Fault[]; job_id?: string } = {},
): Answer {
  const [status, sentence] = PROBLEMS[code];
  const { headers, detail = sentence, ...members } = extras;
  const type = `urn:modelstudio-jobs:problem:${code}`;
  const about = { type, title: TITLES[status], status, detail, code, request_id: requestId };
  return {
    status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
    body: redacted(JSON.stringify({ ...about, ...members })),
  };
}
