import type { Rule } from './rule.ts';

/** Everything in an alarm that may name a resource, but for what the alarm does. */
interface AlarmProperties {
  ActionsEnabled?: boolean;
  Dimensions?: unknown;
  Metrics?: unknown;
}

export const alarms: Rule = ({ resources, wiring }) => {
  const watched = resources
    .ofType<AlarmProperties>('AWS::CloudWatch::Alarm')
    .filter(({ properties }) => properties.ActionsEnabled !== false)
    .map(({ properties: { Dimensions, Metrics } }) => JSON.stringify([Dimensions, Metrics]))
    .join();
  return [...wiring.queues, ...wiring.functions].map(
    ({ path, logicalId }) => !watched.includes(`"${logicalId}"`) && `${path} is watched by no alarm.`,
  );
};
