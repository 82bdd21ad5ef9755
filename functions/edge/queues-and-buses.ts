import { DescribeEventBusCommand, EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { sha256Hex } from '../core/ids.ts';
import type { Millis } from '../core/job.ts';
import { ATTEMPT_DEADLINE_MILLIS } from '../core/limits.ts';
import type { AttemptOutcome } from '../core/webhook/attempt.ts';
import { outcomeOfError } from '../core/webhook/destination.ts';
import { signedHeaders } from '../core/webhook/signature.ts';
import type { Clock, Delivery } from '../ports.ts';
import { awsSettings, describingErrors } from './aws.ts';
import type { SendTo } from './destinations.ts';
import type { CredentialsOf } from './webhook-credentials.ts';

const SOURCE = 'modelstudio-jobs';

/** In X-Ray's form, its id has two parts. */
const TRACEPARENT = /^00-(.{8})(.{24})-(.{16})-.(.)$/;

/** An event may be lost that is sent within this time after its bus was deleted. */
const LOOK_CACHE_MILLIS = 60_000;

/** What SQS takes for a group: a client's name may have other characters. */
const GROUP_ID = /^[!-~]{1,128}$/;

const clients = {
  /** They send to the region's endpoint, whatever a queue's URL says. */
  queuesIn: onePerRegion((region) =>
    describingErrors(new SQSClient({ ...awsSettings, region, useQueueUrlAsEndpoint: false })),
  ),
  busesIn: onePerRegion((region) => describingErrors(new EventBridgeClient({ ...awsSettings, region }))),
};
export type DestinationClients = typeof clients;

/** Sends events to SQS queues and EventBridge buses. */
export function createSendTo(
  credentialsOf: CredentialsOf,
  clock: Clock,
  { queuesIn, busesIn }: DestinationClients = clients,
): SendTo {
  const seenUntil = new Map<string, Millis>();

  async function toQueue(arn: string, delivery: Delivery, body: string): Promise<AttemptOutcome> {
    const { id, client, redelivered, traceparent, tracestate } = delivery;
    const [, , , region = '', account = '', name = ''] = arn.split(':');
    const QueueUrl = `https://sqs.${region}.amazonaws.com/${account}/${name}`;
    const { secrets } = await credentialsOf(client, new URL(QueueUrl));
    const trace = { traceparent, ...(tracestate && { tracestate }) };
    const headers = { ...trace, ...signedHeaders(id, clock.now(), body, secrets) };
    const attributeOf = (StringValue: string) => ({ DataType: 'String', StringValue });
    const attributes = Object.entries(headers).map(([header, text]) => [header, attributeOf(text)]);
    const MessageGroupId = GROUP_ID.test(client) ? client : sha256Hex(client);
    const inOrder = { MessageGroupId, MessageDeduplicationId: `${id}.${redelivered?.rounds ?? 0}` };
    const message = new SendMessageCommand({
      QueueUrl,
      MessageBody: body,
      MessageAttributes: Object.fromEntries(attributes),
      ...(name.endsWith('.fifo') && inOrder),
    });
    return attempt((options) => queuesIn(region).send(message, options));
  }

  async function toBus(arn: string, { id, traceparent }: Delivery, body: string): Promise<AttemptOutcome> {
    const buses = busesIn(arn.split(':')[3] ?? '');
    const { type } = JSON.parse(body);
    const event = { Source: SOURCE, DetailType: type, Detail: body, Resources: [id], EventBusName: arn };
    const TraceHeader = traceparent.replace(TRACEPARENT, 'Root=1-$1-$2;Parent=$3;Sampled=$4');
    return attempt(async (options) => {
      await lookAt(arn, () => buses.send(new DescribeEventBusCommand({ Name: arn }), options));
      const { Entries: [entry] = [] } = await buses.send(
        new PutEventsCommand({ Entries: [{ ...event, TraceHeader }] }),
        options,
      );
      if (entry?.ErrorCode) throw Object.assign(new Error('EventBridge'), { name: entry.ErrorCode });
    });
  }

  /** PutEvents says success for a bus that does not exist. One that nobody may look at says itself what it refuses. */
  async function lookAt(arn: string, look: () => Promise<unknown>): Promise<void> {
    const now = clock.now();
    if ((seenUntil.get(arn) ?? 0) > now) return;
    await look().catch((error: Error) => {
      if (!/AccessDenied/.test(error.name)) throw error;
    });
    seenUntil.set(arn, now + LOOK_CACHE_MILLIS);
  }

  return (arn, delivery, body) => (arn.split(':')[2] === 'sqs' ? toQueue : toBus)(arn, delivery, body);
}

/** With its tries, and for a bus the look before. */
function attempt(send: (options: { abortSignal: AbortSignal }) => Promise<unknown>): Promise<AttemptOutcome> {
  return send({ abortSignal: AbortSignal.timeout(ATTEMPT_DEADLINE_MILLIS) }).then(
    () => ({ kind: 'accepted' }),
    (error: Error) => outcomeOfError(error.name),
  );
}

function onePerRegion<Client>(make: (region: string) => Client): (region: string) => Client {
  const made = new Map<string, Client>();
  return (region) => {
    const client = made.get(region) ?? make(region);
    made.set(region, client);
    return client;
  };
}
