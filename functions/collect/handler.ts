import { COLLECT_DEADLINE_MILLIS } from '../core/limits.ts';
import { pollHandler } from '../poll/wiring.ts';

/** A report is in memory several times over while it is read and written; V8's longest string is 512 MiB. */
const REPORT_MAX_BYTES = 128 * 1024 * 1024;

export const handler = pollHandler({
  isCollector: true,
  reportLimits: { deadlineMillis: COLLECT_DEADLINE_MILLIS, maxBytes: REPORT_MAX_BYTES },
});
