import type { Rule } from './wiring.ts';

/** Everything in an alarm that may name a resource, but for what the alarm does. */
interface Alarm {
  ActionsEnabled?: boolean;
  Dimensions?: unknown;
  Metrics?: unknown;
}

export const alarms: Rule = (wiring) => {
  const watched = wiring
    .ofType<Alarm>('AWS::CloudWatch::Alarm')
    .filter(({ properties }) => properties.ActionsEnabled !== false)
    .map(({ properties: { Dimensions, Metrics } }) => JSON.stringify([Dimensions, Metrics]))
    .join();
  return [...wiring.queues, ...wiring.functions]
    .filter(({ logicalId }) => !watched.includes(`"${logicalId}"`))
    .map(({ path }) => `${path} is watched by no alarm.`);
};
