import { POLL_DEADLINE_MILLIS, REPORT_MAX_BYTES } from '../core/limits.ts';
import { pollHandler } from './poll-handler.ts';

export const handler = pollHandler({
  isCollector: false,
  reportLimits: { deadlineMillis: POLL_DEADLINE_MILLIS, maxBytes: REPORT_MAX_BYTES.poll },
});
