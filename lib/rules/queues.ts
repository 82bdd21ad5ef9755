import { LONGEST_JOB_SECONDS } from '../../functions/core/limits.ts';
import type { Rule } from './rule.ts';

/** SQS's own default. */
const RETENTION_SECONDS = 4 * 86_400;
/** AWS recommends at least this many receives. */
const RECEIVES_MIN = 5;
const RECEIVES_MAX = 100;

export const receives: Rule = ({ wiring }) =>
  wiring.queues.map((queue) => {
    const count = queue.properties.RedrivePolicy?.maxReceiveCount ?? 0;
    const isTooSoonOrLate = count < RECEIVES_MIN || count > RECEIVES_MAX;
    return (
      wiring.deadLetterQueueOf(queue) &&
      isTooSoonOrLate &&
      `${queue.path} sets a message aside after ${count} receives (maxReceiveCount): it must be ${RECEIVES_MIN} to ${RECEIVES_MAX}.`
    );
  });

export const messageRetention: Rule = ({ wiring }) =>
  wiring.queues.map(
    ({ path, properties: { MessageRetentionPeriod: kept = RETENTION_SECONDS } }) =>
      kept < LONGEST_JOB_SECONDS &&
      `${path} keeps messages for ${kept} s, shorter than the longest job lives (${LONGEST_JOB_SECONDS} s).`,
  );

/** A message keeps its age when it moves to the dead-letter queue. */
export const deadLetterRetention: Rule = ({ wiring }) =>
  wiring.queues.map((queue) => {
    const aside = wiring.deadLetterQueueOf(queue);
    const kept = queue.properties.MessageRetentionPeriod ?? RETENTION_SECONDS;
    const keptAside = aside?.properties.MessageRetentionPeriod ?? RETENTION_SECONDS;
    return (
      aside &&
      keptAside <= kept &&
      `${aside.path} must keep messages longer than ${queue.path}: they count from when they were sent.`
    );
  });
