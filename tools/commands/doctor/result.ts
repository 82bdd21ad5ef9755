import { messageOf } from '../error-message.ts';

/** What a check has found; of a failed one, what to do. */
export type CheckResult =
  | { state: 'ok' | 'skipped'; words: string }
  | { state: 'failed'; words: string; fix: string };

export const ok = (words: string): CheckResult => ({ state: 'ok', words });
export const skipped = (words: string): CheckResult => ({ state: 'skipped', words });
export const failed = (words: string, fix: string): CheckResult => ({ state: 'failed', words, fix });

/** A check that could not be made has failed. */
export const unchecked = (error: unknown): CheckResult =>
  failed(messageOf(error), 'Use AWS credentials that may read this, and a network that reaches AWS.');

export async function resultOf(check: () => Promise<CheckResult>): Promise<CheckResult> {
  return check().catch(unchecked);
}
