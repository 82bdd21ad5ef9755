import { POLL_DEADLINE_MILLIS } from '../core/limits.ts';
import { pollHandler } from './wiring.ts';

/** Ten of these reports fit into the function's memory at once. */
const REPORT_MAX_BYTES = 2 * 1024 * 1024;

export const handler = pollHandler({
  isCollector: false,
  reportLimits: { deadlineMillis: POLL_DEADLINE_MILLIS, maxBytes: REPORT_MAX_BYTES },
});
