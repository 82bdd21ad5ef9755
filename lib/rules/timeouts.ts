import * as limits from '../../functions/core/limits.ts';
import type { Rule } from './wiring.ts';

/** AWS recommends this factor between a queue's visibility timeout and its function's timeout. */
const VISIBILITY_FACTOR = 6;

export const visibility: Rule = ({ consumers }) =>
  consumers.flatMap(({ queue, fn, mapping }) => {
    const hidden = queue.properties.VisibilityTimeout;
    const gathered = mapping.MaximumBatchingWindowInSeconds;
    const needed = VISIBILITY_FACTOR * fn.properties.Timeout + gathered;
    if (hidden >= needed) return [];
    const reason = `six times the timeout of ${fn.path}${gathered > 0 ? ' and its batching window' : ''}`;
    return `${queue.path} hides a message for ${hidden} s: it must be ${needed} s or more, ${reason}.`;
  });

/** How long the lease is that a function holds while it waits for somebody else. */
const LEASE_SECONDS: Record<string, number> = {
  'Api/Submit': limits.SUBMIT_LEASE_MILLIS / 1000,
  'Create/Function': limits.DRAIN_LEASE_MILLIS / 1000,
  'Deliver/Function': limits.ATTEMPT_LEASE_MILLIS / 1000,
};

/** A lease outlives the run that took it, and ends before the message of a run that died comes back. */
export const leases: Rule = ({ functions, consumers }) => [
  ...functions.flatMap(({ path, properties: { Timeout } }) => {
    const seconds = LEASE_SECONDS[path];
    if (seconds === undefined || Timeout < seconds) return [];
    return `${path} may run for ${Timeout} s: it must be less than its lease of ${seconds} s.`;
  }),
  ...consumers.flatMap(({ queue, fn: { path } }) => {
    const seconds = LEASE_SECONDS[path];
    if (seconds === undefined || queue.properties.VisibilityTimeout > seconds) return [];
    return `${queue.path} must hide a message for longer than the lease of ${path}, ${seconds} s.`;
  }),
];
