import { type Rule, referredId } from './wiring.ts';

export const recursiveLoop: Rule = (wiring) =>
  wiring.functions.flatMap((fn) => {
    const isExempt = fn.properties.RecursiveLoop === 'Allow';
    if (wiring.wokenBy(fn).has(fn) === isExempt) return [];
    return isExempt
      ? `${fn.path} is exempt from loop detection (RecursiveLoop: Allow), but does not feed itself.`
      : `${fn.path} may wake itself, so it needs RecursiveLoop: Allow; without, Lambda stops it after 16 hops.`;
  });

export const concurrency: Rule = ({ consumers }) =>
  consumers.flatMap(({ queue, fn, mapping }) => {
    if (mapping.ScalingConfig?.MaximumConcurrency) return [];
    return `${fn.path} consumes ${queue.path} without a maxConcurrency.`;
  });

export const partialBatches: Rule = ({ consumers }) =>
  consumers.flatMap(({ queue, fn, mapping }) => {
    if (mapping.FunctionResponseTypes.includes('ReportBatchItemFailures')) return [];
    return `${fn.path} consumes ${queue.path} without reportBatchItemFailures: one bad message would fail its batch.`;
  });

interface Repeats {
  MaximumRetryAttempts?: number;
  MaximumEventAgeInSeconds?: number;
}

/** A schedule fires again anyway; retries of failed or throttled invocations would pile up for hours. */
export const ruleTargets: Rule = (wiring) => {
  const once = wiring
    .ofType<Repeats & { FunctionName: unknown }>('AWS::Lambda::EventInvokeConfig')
    .filter(({ properties }) => properties.MaximumRetryAttempts === 0 && properties.MaximumEventAgeInSeconds)
    .map(({ properties }) => referredId(properties.FunctionName));
  return wiring
    .ofType<{ Targets?: { Arn: unknown; RetryPolicy?: Repeats }[] }>('AWS::Events::Rule')
    .flatMap(({ path, properties: { Targets = [] } }) => Targets.map((target) => ({ path, ...target })))
    .flatMap(({ path, Arn, RetryPolicy }) => {
      if (RetryPolicy?.MaximumRetryAttempts === 0 && once.includes(referredId(Arn))) return [];
      return `${path} may repeat ${wiring.behind(Arn)?.path}: the target needs retryAttempts: 0, and its function that and a maxEventAge.`;
    });
};
