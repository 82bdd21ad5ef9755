import type { DurationStats } from '../../../functions/ports.ts';
import { steadyStats } from '../flows/steady.ts';

const FIRST_SECONDS = 1;
const CAP_SECONDS = 30;

/**
 * The schedule that doubles its gaps up to half a minute, in the guise of duration stats, so that the flows under it are
 * the same to the letter.
 * @param poll the number of the poll that plans the next one; 0 is the submission
 */
export function doubling(poll: number): DurationStats {
  return steadyStats(Math.min(CAP_SECONDS, FIRST_SECONDS * 2 ** poll));
}
