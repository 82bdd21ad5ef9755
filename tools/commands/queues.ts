import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { physicalId, type Target } from './target.ts';

const CONSTRUCTS = { poll: 'Poll', collect: 'PollCollect', deliver: 'Deliver', create: 'Create' } as const;
export type StageName = keyof typeof CONSTRUCTS;
export const stageNames = Object.keys(CONSTRUCTS) as StageName[];

/** URLs. */
export interface StageQueues {
  stage: StageName;
  queue: string;
  deadLetters: string;
}

/** @throws a CliError when the target has no such queues */
export async function queuesOf(target: Target): Promise<StageQueues[]> {
  const resources = await target.resources();
  return stageNames.map((stage) => ({
    stage,
    queue: physicalId(resources, `${CONSTRUCTS[stage]}Queue`, target.name),
    deadLetters: physicalId(resources, `${CONSTRUCTS[stage]}DeadLetters`, target.name),
  }));
}

/** About how many messages a queue holds, those included that somebody is working on. SQS may be a minute behind. */
export async function countIn(sqs: SQSClient, QueueUrl: string): Promise<number> {
  const counts = [
    'ApproximateNumberOfMessages',
    'ApproximateNumberOfMessagesNotVisible',
    'ApproximateNumberOfMessagesDelayed',
  ] as const;
  const request = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...counts] });
  const { Attributes } = await sqs.send(request);
  return counts.reduce((sum, name) => sum + Number(Attributes?.[name]), 0);
}

export async function arnOf(sqs: SQSClient, QueueUrl: string): Promise<string> {
  const request = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] });
  return (await sqs.send(request)).Attributes?.QueueArn ?? '';
}
