import { referredId } from './resources.ts';
import type { Rule } from './rule.ts';

export const recursiveLoop: Rule = ({ wiring }) =>
  wiring.functions.map((fn) => {
    const isExempt = fn.properties.RecursiveLoop === 'Allow';
    if (wiring.isRecursive(fn) === isExempt) return false;
    return isExempt
      ? `${fn.path} is exempt from loop detection (RecursiveLoop: Allow), but does not feed itself.`
      : `${fn.path} may wake itself, so it needs RecursiveLoop: Allow; without, Lambda stops it after 16 hops.`;
  });

export const concurrency: Rule = ({ wiring }) =>
  wiring.consumers.map(
    ({ queue, fn, mapping }) =>
      !mapping.ScalingConfig?.MaximumConcurrency &&
      `${fn.path} consumes ${queue.path} without a maxConcurrency.`,
  );

export const partialBatches: Rule = ({ wiring }) =>
  wiring.consumers.map(
    ({ queue, fn, mapping }) =>
      !mapping.FunctionResponseTypes?.includes('ReportBatchItemFailures') &&
      `${fn.path} consumes ${queue.path} without reportBatchItemFailures: one bad message would fail its batch.`,
  );

interface Repeats {
  MaximumRetryAttempts?: number;
  MaximumEventAgeInSeconds?: number;
}

/** A schedule fires again anyway; retries of failed or throttled invocations would pile up for hours. */
export const ruleTargets: Rule = ({ resources }) => {
  const once = resources
    .ofType<Repeats & { FunctionName: unknown }>('AWS::Lambda::EventInvokeConfig')
    .filter(({ properties }) => properties.MaximumRetryAttempts === 0 && properties.MaximumEventAgeInSeconds)
    .map(({ properties }) => referredId(properties.FunctionName));
  return resources
    .ofType<{ Targets?: { Arn: unknown; RetryPolicy?: Repeats }[] }>('AWS::Events::Rule')
    .flatMap(({ path, properties: { Targets = [] } }) => Targets.map((target) => ({ path, ...target })))
    .map(({ path, Arn, RetryPolicy }) => {
      const isOnce = RetryPolicy?.MaximumRetryAttempts === 0 && once.includes(referredId(Arn));
      return (
        !isOnce &&
        `${path} may repeat ${resources.behind(Arn)?.path}: the target needs retryAttempts: 0, and its function that and a maxEventAge.`
      );
    });
};
