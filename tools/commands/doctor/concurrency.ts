import { CONCURRENCY_MAX, CONCURRENCY_MIN } from '../../../lib/stages/concurrency.ts';
import { type CheckResult, failed, ok } from './result.ts';

/** One for the sweep, one for the queued jobs, and some for the API. */
const ROOM_MIN = 4;
/** Submissions wait for ModelStudio, so the API needs about as many as the queues once there is much to do. */
const QUEUES_SHARE = 0.6;

/**
 * Whether the queues leave something of the Lambdas that the account may run at once. A new account has 10.
 * @param taken the most that the queues take
 */
export function concurrencyResult(available: number, taken: number): CheckResult {
  if (available - taken >= ROOM_MIN)
    return ok(`${available} in the account, of which the queues take up to ${taken}`);
  const words = `${available} in the account, of which the queues may take ${taken}: the API and the sweep need ${ROOM_MIN}`;
  const most = Math.min(CONCURRENCY_MAX, Math.floor(available * QUEUES_SHARE));
  const more = 'Ask for more "Concurrent executions" of Lambda in Service Quotas';
  if (most < CONCURRENCY_MIN) return failed(words, `${more}: no setting is small enough.`);
  return failed(words, `${more}, or deploy with the setting concurrency at ${most} or less.`);
}
