import * as limits from '../../functions/core/limits.ts';
import { referredId } from './resources.ts';
import type { Safety } from './safety.ts';
import type { Fn, Wiring } from './wiring.ts';

export const recursiveLoop: Safety = ({ wiring }) =>
  wiring.functions.flatMap((fn) => {
    const isExempt = fn.properties.RecursiveLoop === 'Allow';
    if (wiring.feedsItself(fn) === isExempt) return [];
    return [
      isExempt
        ? `${fn.path} is exempt from loop detection (RecursiveLoop: Allow), but does not feed itself.`
        : `${fn.path} may wake itself, so it needs RecursiveLoop: Allow; without, Lambda stops it after 16 hops.`,
    ];
  });

export const concurrency: Safety = ({ wiring }) =>
  wiring.consumers
    .filter(({ mapping }) => !mapping.ScalingConfig?.MaximumConcurrency)
    .map(({ queue, fn }) => `${fn.path} consumes ${queue.path} without a maxConcurrency.`);

export const partialBatches: Safety = ({ wiring }) =>
  wiring.consumers
    .filter(({ mapping }) => !mapping.FunctionResponseTypes?.includes('ReportBatchItemFailures'))
    .map(
      ({ queue, fn }) =>
        `${fn.path} consumes ${queue.path} without reportBatchItemFailures: one bad message would fail its batch.`,
    );

/** What a function waits for, and the lease that it holds meanwhile. */
const WAITS: Record<string, { millis: number; leaseMillis?: number }> = {
  'Api/Submit': { millis: limits.CREATE_DEADLINE_MILLIS, leaseMillis: limits.SUBMIT_LEASE_MILLIS },
  'Poll/Poller': { millis: limits.POLL_DEADLINE_MILLIS },
  'Poll/Collector': { millis: limits.COLLECT_DEADLINE_MILLIS },
  'Deliver/Function': { millis: limits.ATTEMPT_DEADLINE_MILLIS, leaseMillis: limits.ATTEMPT_LEASE_MILLIS },
  'Sweep/Function': { millis: limits.SWEEP_MILLIS },
};

/** A lease outlives the run that took it, and ends before the message of a run that died comes again. */
export const leases: Safety = ({ wiring }) =>
  wiring.functions.flatMap((fn) => {
    const { leaseMillis } = WAITS[fn.path] ?? {};
    return leaseMillis ? leaseFaults(fn, leaseMillis / 1000, wiring) : [];
  });

function leaseFaults(fn: Fn, lease: number, wiring: Wiring): string[] {
  const timeout = fn.properties.Timeout ?? 3;
  const visible = wiring.consumers
    .filter((consumer) => consumer.fn === fn)
    .filter(({ queue }) => (queue.properties.VisibilityTimeout ?? 30) <= lease)
    .map(
      ({ queue }) => `${queue.path} must hide a message for longer than the lease of ${fn.path}, ${lease} s.`,
    );
  const outlived = `${fn.path} may run for ${timeout} s: it must be less than its lease of ${lease} s.`;
  return timeout < lease ? visible : [outlived, ...visible];
}

/** Beside what it waits for, one service of AWS may hang without costing a function its life and its batch. */
export const deadlines: Safety = ({ wiring }) =>
  wiring.functions.flatMap(({ path, properties: { Timeout = 3 } }) => {
    const needed = ((WAITS[path]?.millis ?? 0) + limits.AWS_CALL_MILLIS) / 1000;
    if (Timeout > needed) return [];
    return [
      `${path} may run for ${Timeout} s: what it waits for and a call to AWS that hangs take ${needed} s.`,
    ];
  });

export const jobRetention: Safety = ({ wiring }) =>
  wiring.functions
    .map(({ path, properties }) => ({ path, days: properties.Environment?.Variables?.['RETENTION_DAYS'] }))
    .filter(({ days }) => !(Number(days) * 86_400 > limits.LONGEST_JOB_SECONDS))
    .map(
      ({ path, days }) =>
        `${path} keeps jobs for ${days} days: it must be longer than the longest job lives, 7.`,
    );

/** Of a function's environment, with the names. */
const ENVIRONMENT_MAX_BYTES = 4096;
/** No name, URL or ARN that AWS makes up for a resource of the stack is longer. */
const REFERENCE_BYTES = 200;

export const environmentSize: Safety = ({ wiring }) =>
  wiring.functions.flatMap(({ path, properties }) => {
    const variables = Object.entries(properties.Environment?.Variables ?? {});
    const sizes = variables.map(([name, value]): [name: string, bytes: number] => [
      name,
      name.length + (typeof value === 'string' ? Buffer.byteLength(value) : REFERENCE_BYTES),
    ]);
    const total = sizes.reduce((sum, [, bytes]) => sum + bytes, 0);
    if (total <= ENVIRONMENT_MAX_BYTES) return [];
    const [[largest] = ['']] = sizes.sort(([, a], [, b]) => b - a);
    return [
      `${path} has too large an environment, most of it ${largest}: about ${total} bytes, where Lambda takes ${ENVIRONMENT_MAX_BYTES}.`,
    ];
  });

interface Repeats {
  MaximumRetryAttempts?: number;
  MaximumEventAgeInSeconds?: number;
}

/** A rule fires again by itself; repeats of what failed or was throttled would pile up for hours. */
export const ruleTargets: Safety = ({ resources }) => {
  const once = resources
    .ofType<Repeats & { FunctionName: unknown }>('AWS::Lambda::EventInvokeConfig')
    .filter(({ properties }) => properties.MaximumRetryAttempts === 0 && properties.MaximumEventAgeInSeconds)
    .map(({ properties }) => referredId(properties.FunctionName));
  return resources
    .ofType<{ Targets?: { Arn: unknown; RetryPolicy?: Repeats }[] }>('AWS::Events::Rule')
    .flatMap(({ path, properties: { Targets = [] } }) => Targets.map((target) => ({ path, ...target })))
    .filter(
      ({ Arn, RetryPolicy }) => RetryPolicy?.MaximumRetryAttempts !== 0 || !once.includes(referredId(Arn)),
    )
    .map(
      ({ path, Arn }) =>
        `${path} may repeat ${resources.behind(Arn)?.path}: the target needs retryAttempts: 0, and its function that and a maxEventAge.`,
    );
};

/** What CloudFormation would put a secret's value for, and what our own secrets look like. */
const SECRET_VALUE =
  /\{\{resolve:(secretsmanager|ssm-secure):|\bwhsec_|\bmsj_[A-Za-z0-9]+_|\bAKIA[A-Z0-9]{16}\b/;

export const environmentSecrets: Safety = ({ wiring, hiddenParameters }) =>
  wiring.functions.flatMap(({ path, properties }) =>
    Object.entries(properties.Environment?.Variables ?? {})
      .map(([name, value]) => ({ name, text: JSON.stringify(value) }))
      .filter(
        ({ text }) =>
          SECRET_VALUE.test(text) || hiddenParameters.some((id) => text.includes(`{"Ref":"${id}"}`)),
      )
      .map(
        ({ name }) =>
          `${path} has a secret's value in its environment variable ${name}: give it the secret's ARN and the right to read it.`,
      ),
  );
