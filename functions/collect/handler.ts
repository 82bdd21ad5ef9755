import { COLLECT_DEADLINE_MILLIS, REPORT_MAX_BYTES } from '../core/limits.ts';
import { pollHandler } from '../poll/poll-handler.ts';

export const handler = pollHandler({
  isCollector: true,
  reportLimits: { deadlineMillis: COLLECT_DEADLINE_MILLIS, maxBytes: REPORT_MAX_BYTES.collect },
});
