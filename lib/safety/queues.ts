import { LONGEST_JOB_SECONDS } from '../../functions/core/limits.ts';
import type { Safety } from './safety.ts';

/** SQS's own defaults. */
const VISIBILITY_SECONDS = 30;
const RETENTION_SECONDS = 4 * 86_400;
/** AWS asks for this factor between a queue's visibility timeout and its function's timeout, and for so many receives. */
const VISIBILITY_FACTOR = 6;
const RECEIVES_MIN = 5;
const RECEIVES_MAX = 100;

export const deadLetters: Safety = ({ wiring }) =>
  wiring.queues
    .filter((queue) => !wiring.deadLettersOf(queue) && !wiring.isDeadLetters(queue))
    .map(({ path }) => `${path} has no dead-letter queue: a message that always fails would be lost.`);

export const receives: Safety = ({ wiring }) =>
  wiring.queues
    .filter((queue) => wiring.deadLettersOf(queue))
    .map(({ path, properties }) => ({ path, count: properties.RedrivePolicy?.maxReceiveCount ?? 0 }))
    .filter(({ count }) => count < RECEIVES_MIN || count > RECEIVES_MAX)
    .map(
      ({ path, count }) =>
        `${path} sets a message aside after ${count} receives (maxReceiveCount): it must be ${RECEIVES_MIN} to ${RECEIVES_MAX}.`,
    );

export const messageRetention: Safety = ({ wiring }) =>
  wiring.queues
    .map(({ path, properties }) => ({ path, kept: properties.MessageRetentionPeriod ?? RETENTION_SECONDS }))
    .filter(({ kept }) => kept < LONGEST_JOB_SECONDS)
    .map(
      ({ path, kept }) =>
        `${path} keeps messages for ${kept} s, shorter than the longest job lives (${LONGEST_JOB_SECONDS} s).`,
    );

/** A message keeps its age when it is set aside. */
export const deadLetterRetention: Safety = ({ wiring }) =>
  wiring.queues.flatMap((queue) => {
    const aside = wiring.deadLettersOf(queue);
    const kept = queue.properties.MessageRetentionPeriod ?? RETENTION_SECONDS;
    const keptAside = aside?.properties.MessageRetentionPeriod ?? RETENTION_SECONDS;
    if (!aside || keptAside > kept) return [];
    return [
      `${aside.path} must keep messages longer than ${queue.path}: they count from when they were sent.`,
    ];
  });

export const visibility: Safety = ({ wiring }) =>
  wiring.consumers.flatMap(({ queue, fn, mapping }) => {
    const hidden = queue.properties.VisibilityTimeout ?? VISIBILITY_SECONDS;
    const gathered = mapping.MaximumBatchingWindowInSeconds ?? 0;
    const needed = VISIBILITY_FACTOR * (fn.properties.Timeout ?? 3) + gathered;
    if (hidden >= needed) return [];
    const reason = `six times the timeout of ${fn.path}${gathered > 0 ? ' and its batching window' : ''}`;
    return [`${queue.path} hides a message for ${hidden} s: it must be ${needed} s or more, ${reason}.`];
  });

export const queueEncryption: Safety = ({ wiring }) =>
  wiring.queues
    .filter(({ properties }) => !properties.SqsManagedSseEnabled && !properties.KmsMasterKeyId)
    .map(({ path }) => `${path} is not encrypted.`);
