import * as z from 'zod/mini';
import type { HttpOutcome } from '../../../../../../functions/core/http/http-outcome.ts';
import { retryAfterOf } from '../../../../../../functions/core/http/retry-after.ts';
import type { CreateResult } from '../../../../../../functions/core/upstream/create-result.ts';
import { sentenceOfRefusal } from '../../../../../../functions/core/upstream/error-sentence.ts';
import type { Report, Results, TransientError } from '../../../../../../functions/core/upstream/report.ts';

const RUNNING_STATES = new Set(['starting', 'processing']);

const Created = z.object({ id: z.string().check(z.regex(/^[a-z0-9]{1,64}$/)) });
const Prediction = z.object({
  id: z.string(),
  status: z.string(),
  output: z.optional(z.unknown()),
  error: z.optional(z.unknown()),
});

export interface ReadingContext {
  apiKey: string;
  now: number;
}

export function readCreation(outcome: HttpOutcome, { apiKey, now }: ReadingContext): CreateResult {
  if (outcome.kind !== 'answered') {
    const isUnsent = outcome.kind === 'not_connected' || (outcome.kind === 'timeout' && !outcome.isConnected);
    return isUnsent
      ? { kind: 'unavailable', retryAfterSeconds: null }
      : { kind: 'unknown', cause: outcome.kind };
  }
  const { status, headers, body, isTruncated } = outcome;
  const sentence = () => sentenceOfRefusal(body, apiKey);
  switch (status) {
    case 422:
      return { kind: 'invalid', sentence: sentence() };
    case 401:
    case 403:
      return { kind: 'credentials_refused', sentence: sentence() };
    case 404:
      return { kind: 'model_not_found' };
    case 429:
      return { kind: 'unavailable', retryAfterSeconds: retryAfterOf(headers, now) };
  }
  const isRefused = status >= 300 && status < 500 && status !== 408;
  if (isRefused) return { kind: 'refused', cause: `status_${status}`, sentence: sentence() };
  if (status !== 201) return { kind: 'unknown', cause: `status_${status}` };
  const created = isTruncated ? null : Created.safeParse(parseJson(body));
  return created?.success
    ? { kind: 'created', upstreamJobId: created.data.id }
    : { kind: 'unknown', cause: 'invalid_response' };
}

export function readReport(outcome: HttpOutcome, upstreamJobId: string, now: number): Report {
  if (outcome.kind !== 'answered') {
    const isSlow = outcome.kind === 'timeout' && outcome.isConnected;
    return isSlow ? { kind: 'too_slow' } : trouble(outcome.kind);
  }
  const { status, headers, body, isTruncated } = outcome;
  if (status === 404) return { kind: 'missing', isGone: false };
  if (status === 401 || status === 403) return trouble('unauthorized');
  if (status === 429) return trouble('unavailable', retryAfterOf(headers, now) ?? 0);
  if (status >= 500) return trouble('server_error');
  if (status !== 200) return trouble('invalid_response');
  if (isTruncated) return { kind: 'too_large' };
  const prediction = Prediction.safeParse(parseJson(body));
  return prediction.success && prediction.data.id === upstreamJobId
    ? reportOf(prediction.data, body)
    : trouble('invalid_response');
}

function reportOf({ status, output, error }: z.infer<typeof Prediction>, raw: Buffer): Report {
  switch (status) {
    case 'succeeded': {
      const results = resultsOf({ output }, 0);
      return results ? { kind: 'completed', results } : { kind: 'unreadable', raw };
    }
    case 'failed':
    case 'canceled':
      return {
        kind: 'failed',
        isCancelled: status === 'canceled',
        completedTasks: null,
        results: resultsOf({ output, error: error ?? status }, 1),
        sentence: null,
      };
    default:
      return {
        kind: 'running',
        completedTasks: null,
        unknownState: RUNNING_STATES.has(status) ? null : status,
      };
  }
}

/** Of the one task; null when it is too deep to be written. */
function resultsOf(result: object, failedTasks: number): Results | null {
  try {
    return { json: JSON.stringify([result]), failedTasks, missing: 0, surplus: 0 };
  } catch {
    return null;
  }
}

function trouble(cause: TransientError['cause'], retryAfterSeconds = 0): TransientError {
  return { kind: 'transient_error', cause, retryAfterSeconds };
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
