import { sentenceOf } from '../sentence.ts';

/** What a check has found; of a failed one, what to do. */
export type Verdict =
  | { state: 'ok' | 'skipped'; words: string }
  | { state: 'failed'; words: string; remedy: string };

export const ok = (words: string): Verdict => ({ state: 'ok', words });
export const skipped = (words: string): Verdict => ({ state: 'skipped', words });
export const failed = (words: string, remedy: string): Verdict => ({ state: 'failed', words, remedy });

/** A check that could not be made has failed. */
export const unseen = (error: unknown): Verdict =>
  failed(sentenceOf(error), 'Use AWS credentials that may read this, and a network that reaches AWS.');

export async function verdictOf(look: () => Promise<Verdict>): Promise<Verdict> {
  return look().catch(unseen);
}
