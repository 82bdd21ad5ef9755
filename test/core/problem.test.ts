import { describe, expect, it } from 'vitest';
import { problem } from '../../functions/core/http/problem.ts';

/** The contract's table, as far as it is about single answers. */
const CODES = [
  ['invalid_request', 400, 'Bad Request'],
  ['modelstudio_invalid_request', 400, 'Bad Request'],
  ['unauthenticated', 401, 'Unauthorized'],
  ['insufficient_scope', 403, 'Forbidden'],
  ['not_found', 404, 'Not Found'],
  ['model_not_found', 404, 'Not Found'],
  ['method_not_allowed', 405, 'Method Not Allowed'],
  ['submission_in_progress', 409, 'Conflict'],
  ['not_cancellable', 409, 'Conflict'],
  ['not_finished', 409, 'Conflict'],
  ['not_redeliverable', 409, 'Conflict'],
  ['too_large', 413, 'Content Too Large'],
  ['unsupported_media_type', 415, 'Unsupported Media Type'],
  ['idempotency_key_reused', 422, 'Unprocessable Content'],
  ['internal_error', 500, 'Internal Server Error'],
  ['modelstudio_rejected', 502, 'Bad Gateway'],
  ['modelstudio_unavailable', 503, 'Service Unavailable'],
  ['job_unavailable', 503, 'Service Unavailable'],
  ['submission_unknown', 504, 'Gateway Timeout'],
] as const;

describe('problem', () => {
  it('shows no secret that what it quotes has in it, be it the name of a member', () => {
    const secret = `whsec_${'A'.repeat(32)}`;
    const errors = [{ pointer: `/${secret}`, message: `There is no member ${secret}` }];
    const { body } = problem('invalid_request', 'req-1', { errors });
    expect(body).toContain('There is no member whsec_…');
    expect(body).not.toContain('AAAA');
  });

  it.each(CODES)('%s is a %i', (code, status, title) => {
    const answer = problem(code, 'req-1');
    expect(answer).toMatchObject({ status, headers: { 'content-type': 'application/problem+json' } });
    expect(JSON.parse(answer.body)).toEqual({
      type: expect.stringMatching(/^urn:/),
      title,
      status,
      detail: expect.stringMatching(/^[A-Z].*\.$/),
      code,
      request_id: 'req-1',
    });
  });

  it('has a type of its own for each code', () => {
    const types = CODES.map(([code]) => JSON.parse(problem(code, 'r').body).type);
    expect(new Set(types).size).toBe(CODES.length);
  });

  it('carries headers, a detail, faults and a job', () => {
    const errors = [{ pointer: '/a', message: 'Required' }];
    const answer = problem('invalid_request', 'r', {
      headers: { 'retry-after': '1' },
      detail: 'So it is.',
      errors,
      job_id: 'job_1',
    });
    expect(answer.headers).toEqual({
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'retry-after': '1',
    });
    expect(JSON.parse(answer.body)).toMatchObject({ detail: 'So it is.', errors, job_id: 'job_1' });
    expect(JSON.parse(answer.body)).not.toHaveProperty('headers');
  });

  it('is valid JSON, whatever it quotes', () => {
    const pointer = '/\ud800"\\\u2028';
    const { body } = problem('invalid_request', 'r', { errors: [{ pointer, message: 'm' }] });
    expect(JSON.parse(body).errors[0].pointer).toBe(pointer);
    expect(body.isWellFormed()).toBe(true);
  });
});
