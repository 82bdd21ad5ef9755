import { ListSubscriptionsByTopicCommand } from '@aws-sdk/client-sns';
import { answered } from '../error-message.ts';
import type { Target } from '../target.ts';
import { type CheckResult, failed, ok, skipped } from './result.ts';

/** Logical ids: of the topic of the stack's own, of its policy, and whatever else is made for it. */
const TOPIC = /^WatchTopic[0-9A-F]{8}$/;
const SUBSCRIPTION = /^WatchTopic(?!Policy[0-9A-F]{8}$).+[0-9A-F]{8}$/;

/** Whether anybody is notified of them: SNS sends nothing to an address that is not confirmed. */
export async function alarms(target: Target): Promise<CheckResult> {
  if (!target.deployment) return skipped('this machine has none');
  const resources = Object.entries(await target.resources());
  const topicArn = resources.find(([id]) => TOPIC.test(id))?.[1];
  if (topicArn === undefined) return skipped('they go to the topic of alarmTopicArn, which is not looked at');
  const list = new ListSubscriptionsByTopicCommand({ TopicArn: topicArn });
  const subscriptions = answered((await target.deployment.sns.send(list)).Subscriptions);
  const endpoints = (isPending: boolean) =>
    subscriptions
      .filter(({ SubscriptionArn }) => (SubscriptionArn === 'PendingConfirmation') === isPending)
      .map(({ Endpoint = '' }) => Endpoint);
  const [told, pending] = [endpoints(false), endpoints(true)];
  const isMailed = resources.some(([id]) => SUBSCRIPTION.test(id));
  if (pending.length > 0) {
    const words = `${pending.join(', ')} has not confirmed, and is notified of none`;
    return failed(words, 'Follow the link in the mail "AWS Notification - Subscription Confirmation".');
  }
  if (told.length > 0) return ok(`${told.join(', ')} is notified of them`);
  if (!isMailed) return skipped('nobody is notified of them: alarmEmail and alarmTopicArn are not set');
  return failed(
    'alarmEmail was never confirmed, or has unsubscribed',
    `aws sns subscribe --topic-arn ${topicArn} --protocol email --notification-endpoint ALARM_EMAIL`,
  );
}
