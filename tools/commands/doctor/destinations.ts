import { DescribeEventBusCommand } from '@aws-sdk/client-eventbridge';
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import type { Target } from '../target.ts';
import { type CheckResult, failed, ok, skipped } from './result.ts';

/** Whether each queue and bus of the setting is there, as far as these credentials may see. */
export async function destinations(target: Pick<Target, 'outputs' | 'clientsIn'>): Promise<CheckResult> {
  const { DestinationArns = '' } = target.outputs as Record<string, string>;
  const arns = DestinationArns.split(' ').filter((arn) => arn !== '');
  if (arns.length === 0) return skipped('none is set up: all events go to URLs');
  const faults = await Promise.all(arns.map((arn) => faultOf(arn, target)));
  const found = faults.filter((fault) => fault !== null);
  if (found.length === 0) return ok(`${arns.length} set up, and all are there`);
  const fix =
    'Make it, let these credentials see it, or correct the setting destinations. Then redeliver what was blocked.';
  return failed(found.join('; '), fix);
}

async function faultOf(arn: string, { clientsIn }: Pick<Target, 'clientsIn'>): Promise<string | null> {
  const [, , service, region = '', account, name] = arn.split(':');
  const { sqs, eventBridge } = clientsIn(region);
  const QueueUrl = `https://sqs.${region}.amazonaws.com/${account}/${name}`;
  const look =
    service === 'sqs'
      ? sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }))
      : eventBridge.send(new DescribeEventBusCommand({ Name: arn }));
  return look.then(
    () => null,
    (error: Error) => `${arn}: ${error.name}`,
  );
}
