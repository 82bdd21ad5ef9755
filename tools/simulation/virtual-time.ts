import { logger } from '../../functions/edge/log.ts';
import { judgeText } from './judge.ts';
import type { Simulation } from './simulation.ts';

/** A whole run in its own time, with all that is logged judged instead of written. */
export async function inVirtualTime<T>(sim: Simulation, run: () => Promise<T>): Promise<T> {
  const { stackTraceLimit } = Error;
  const { write } = logger;
  logger.write = (text) => sim.judge(() => judgeText('a log line', text));
  // Nobody reads where an error of a simulated call was made, and to find out takes as long as the call.
  Error.stackTraceLimit = 0;
  try {
    return await sim.time.govern(run);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    logger.write = write;
  }
}
