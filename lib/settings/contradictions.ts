import { Token } from 'aws-cdk-lib';
import { faultInWebhookUrl } from '../../functions/core/webhook/webhook-url.ts';
import type { Settings } from './settings.ts';

/** A sentence for each group of settings that are valid one by one, but not together. */
export function contradictionsIn(settings: Settings): string[] {
  const { domainName, certificateArn, defaultEndpoint, alarmTopicArn, alarmEmail } = settings;
  const [names, certificates] = [domainName.length, certificateArn.length];
  const fault = faultInDefaultWebhookUrl(settings);
  const regions = new Set([...certificateArn, alarmTopicArn ?? ''].filter(isKnown).map(regionOf));
  const sentences = [
    fault && `The setting defaultWebhookUrl cannot be a job's webhook_url: it ${uncapitalized(fault)}.`,
    settings.defaultDestination !== undefined &&
      !settings.destinations.some(({ name }) => name === settings.defaultDestination) &&
      'The setting defaultDestination must be the name of one of the destinations.',
    names > 0 &&
      certificates !== 1 &&
      certificates !== names &&
      'The setting domainName needs certificateArn beside it: one for all names, or one for each.',
    certificates > 0 && names === 0 && 'The setting certificateArn needs domainName beside it.',
    defaultEndpoint !== 'beside' &&
      names === 0 &&
      'The setting defaultEndpoint needs domainName beside it: without, it is the only address.',
    regions.size > 1 &&
      "The settings certificateArn and alarmTopicArn must be in one region, the stack's own.",
    alarmTopicArn &&
      alarmEmail &&
      'The settings alarmTopicArn and alarmEmail exclude each other: subscribe the address to your topic.',
  ];
  return sentences.filter((sentence) => typeof sentence === 'string');
}

function faultInDefaultWebhookUrl({ defaultWebhookUrl, webhookPorts, domainName }: Settings): string | null {
  if (defaultWebhookUrl === undefined) return null;
  const faults = [null, ...domainName].map((ownHost) =>
    faultInWebhookUrl(defaultWebhookUrl, { ports: webhookPorts, loopback: false, ownHost }),
  );
  return faults.find((fault) => fault !== null) ?? null;
}

/** Not a token of CDK's, which has a value when it is deployed. */
const isKnown = (arn: string) => arn !== '' && !Token.isUnresolved(arn);
const regionOf = (arn: string) => arn.split(':')[3];
const uncapitalized = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);
