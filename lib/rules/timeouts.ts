import * as limits from '../../functions/core/limits.ts';
import type { Rule } from './rule.ts';

/** SQS's own default. */
const VISIBILITY_SECONDS = 30;
/** AWS recommends this factor between a queue's visibility timeout and its function's timeout. */
const VISIBILITY_FACTOR = 6;

export const visibility: Rule = ({ wiring }) =>
  wiring.consumers.map(({ queue, fn, mapping }) => {
    const hidden = queue.properties.VisibilityTimeout ?? VISIBILITY_SECONDS;
    const gathered = mapping.MaximumBatchingWindowInSeconds ?? 0;
    const needed = VISIBILITY_FACTOR * (fn.properties.Timeout ?? 3) + gathered;
    const reason = `six times the timeout of ${fn.path}${gathered > 0 ? ' and its batching window' : ''}`;
    return (
      hidden < needed &&
      `${queue.path} hides a message for ${hidden} s: it must be ${needed} s or more, ${reason}.`
    );
  });

/** How long a function waits, and the lease that it holds meanwhile. */
const WAITS: Record<string, { millis: number; leaseMillis?: number }> = {
  'Api/Submit': { millis: limits.CREATE_DEADLINE_MILLIS, leaseMillis: limits.SUBMIT_LEASE_MILLIS },
  'Create/Function': {
    millis: limits.DRAIN_MILLIS + limits.CREATE_DEADLINE_MILLIS,
    leaseMillis: limits.DRAIN_LEASE_MILLIS,
  },
  'Poll/Poller': { millis: limits.REPORT_LIMITS.poll.deadlineMillis },
  'Poll/Collector': { millis: limits.REPORT_LIMITS.collect.deadlineMillis },
  'Deliver/Function': { millis: limits.ATTEMPT_DEADLINE_MILLIS, leaseMillis: limits.ATTEMPT_LEASE_MILLIS },
  'Sweep/Function': { millis: limits.SWEEP_MILLIS },
};

/** A lease outlives the run that took it, and ends before the message of a run that died comes back. */
export const leases: Rule = ({ wiring }) =>
  wiring.functions.flatMap((fn) => {
    const { leaseMillis } = WAITS[fn.path] ?? {};
    if (leaseMillis === undefined) return [];
    const seconds = leaseMillis / 1000;
    const timeout = fn.properties.Timeout ?? 3;
    const consumed = wiring.consumers.filter((consumer) => consumer.fn === fn);
    return [
      timeout >= seconds &&
        `${fn.path} may run for ${timeout} s: it must be less than its lease of ${seconds} s.`,
      ...consumed.map(
        ({ queue: { path, properties } }) =>
          (properties.VisibilityTimeout ?? VISIBILITY_SECONDS) <= seconds &&
          `${path} must hide a message for longer than the lease of ${fn.path}, ${seconds} s.`,
      ),
    ];
  });

/** In addition to its own wait, one AWS service may hang without a timeout of the function and its batch. */
export const deadlines: Rule = ({ wiring }) =>
  wiring.functions.map(({ path, properties: { Timeout = 3 } }) => {
    const needed = ((WAITS[path]?.millis ?? 0) + limits.AWS_CALL_MILLIS) / 1000;
    return (
      Timeout <= needed &&
      `${path} may run for ${Timeout} s: its own wait and a call to AWS that hangs take ${needed} s.`
    );
  });
