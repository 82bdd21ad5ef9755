import { type Pace, paceOf, secondsToNextLook } from '../../functions/core/forecast.ts';
import type { Experience } from '../../functions/ports.ts';

const FIRST_SECONDS = 1;
const CAP_SECONDS = 30;

/**
 * The schedule that doubles its gaps up to half a minute, in the guise of experience, so that the flows under it are
 * the same to the letter.
 * @param poll the number of the poll that plans the next one; 0 is the submission
 */
export function doubling(poll: number): Experience {
  const seconds = Math.min(CAP_SECONDS, FIRST_SECONDS * 2 ** poll);
  const outlook = { durations: [], pace: steadyPace(seconds), lagPerPoll: 0.5 };
  return {
    outlook: async () => outlook,
    learn: async () => undefined,
    refused: async () => undefined,
  };
}

const AGES = agesOfTheGrid();
const PACES = new Map<number, Pace>();

/** At λ = ½ one looks again each time the pace has grown by one: here, after so many seconds at any age. */
function steadyPace(seconds: number): Pace {
  const pace = PACES.get(seconds) ?? { upTo: AGES.map((age) => age / seconds) };
  PACES.set(seconds, pace);
  return pace;
}

/** The planner's own grid, read off it: where a pace jumps, there is the next look. */
function agesOfTheGrid(): Float64Array {
  const { length } = paceOf([]).upTo;
  return Float64Array.from({ length }, (_, i) => {
    const jump = Float64Array.from({ length }, (_, j) => (j > i ? 1e300 : 0));
    return i + 1 < length ? secondsToNextLook({ upTo: jump }, 0, 0.5) : Number.POSITIVE_INFINITY;
  });
}
