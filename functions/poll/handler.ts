import { pollHandler } from './wiring.ts';

/** Ten of these reports fit into the function's memory at once. */
const REPORT_MAX_BYTES = 2 * 1024 * 1024;

export const handler = pollHandler({
  isCollector: false,
  reportLimits: { deadlineMillis: 10_000, maxBytes: REPORT_MAX_BYTES },
});
