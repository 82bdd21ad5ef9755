import type { HttpOutcome } from '../../../functions/core/http/http-outcome.ts';

/** A create that a function has sent, and what it has been told. */
export interface Create {
  outcome: HttpOutcome;
  /** What it has created, and been told of. */
  upstreamJobId?: string;
}

/** What a create has come to: what the log calls it, what the app is answered, what it adds to the metrics. */
export interface Verdict {
  kind: string;
  status: number;
  code: string;
  metric: string | null;
  /** What ModelStudio says about it. */
  sentence: string | null;
  /** Nothing was created for certain. */
  isRefused: boolean;
  retryAfter: number | null;
}

const CREATED: Verdict = {
  kind: 'created',
  status: 202,
  code: '',
  metric: 'JobsCreated',
  sentence: null,
  isRefused: false,
  retryAfter: null,
};
const RETRY_AFTER_DEFAULT = 5;
const RETRY_AFTER_MAX = 3600;

/** By the contract's words about the answers to a create. */
export function verdictOn({ outcome, upstreamJobId }: Create): Verdict {
  if (upstreamJobId !== undefined) return CREATED;
  if (outcome.kind !== 'answered') {
    const isUnsent = outcome.kind === 'not_connected' || (outcome.kind === 'timeout' && !outcome.isConnected);
    if (isUnsent) return unavailable(RETRY_AFTER_DEFAULT);
    return unknown(outcome.kind === 'cut' ? 'UpstreamConnectionResets' : 'UpstreamTimeouts');
  }
  const { status, headers } = outcome;
  const sentence = sentenceIn(outcome.body);
  if ([400, 413, 415, 422].includes(status))
    return refused('invalid', 400, 'modelstudio_invalid_request', null, sentence);
  if (status === 401 || status === 403)
    return refused('credentials_refused', 502, 'modelstudio_rejected', 'UpstreamUnauthorized', sentence);
  if (status === 404 && sentence !== null && sentence !== 'Not Found')
    return refused('model_not_found', 404, 'model_not_found', null, null);
  if (status === 404 || Math.floor(status / 100) === 3)
    return refused('refused', 502, 'modelstudio_refused', 'UpstreamRefusals', null);
  if (status === 429 || status === 503) {
    const seconds = Number(headers['retry-after'] ?? RETRY_AFTER_DEFAULT);
    return unavailable(Math.min(RETRY_AFTER_MAX, Math.max(1, Math.ceil(seconds))));
  }
  if (Math.floor(status / 100) === 4 && status !== 408)
    return refused('refused', 502, 'modelstudio_refused', 'UpstreamRefusals', sentence);
  return unknown(status >= 500 ? 'UpstreamServerErrors' : 'UpstreamInvalidResponses');
}

function refused(
  kind: string,
  status: number,
  code: string,
  metric: string | null,
  sentence: string | null,
): Verdict {
  return { kind, status, code, metric, sentence, isRefused: true, retryAfter: null };
}

function unavailable(retryAfter: number): Verdict {
  return {
    ...refused('unavailable', 503, 'modelstudio_unavailable', 'UpstreamUnavailable', null),
    retryAfter,
  };
}

function unknown(metric: string): Verdict {
  return { ...refused('unknown', 504, 'submission_unknown', metric, null), isRefused: false };
}

/** As ModelStudio gives it here. */
function sentenceIn(body: Buffer): string | null {
  const text = body.toString();
  return text.startsWith('{"detail"') ? JSON.parse(text).detail : null;
}
