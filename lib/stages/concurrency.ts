/** Lambda's limits for each event source. */
const SOURCE_MIN = 2;
const SOURCE_MAX = 1000;
/** One in this many collects: few jobs have a report too large for the poller. */
const COLLECTS_ONE_OF = 21;

export const CONCURRENCY_MIN = 3 * SOURCE_MIN;
export const CONCURRENCY_MAX = 2 * SOURCE_MAX + SOURCE_MAX / 10;

/** How many of all Lambdas each queue may have at once. */
export function splitConcurrency(all: number) {
  const collect = Math.max(SOURCE_MIN, Math.floor(all / COLLECTS_ONE_OF));
  const poll = Math.ceil((all - collect) / 2);
  // Create is in addition to all: one Lambda at a time lets the queued jobs through.
  return { poll, collect, deliver: all - collect - poll, create: SOURCE_MIN };
}
