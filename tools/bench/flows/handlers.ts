import './lambda-environment.ts';
import type { APIGatewayProxyEventV2, SQSEvent } from 'aws-lambda';
import { DeliverMessage, PollMessage } from '../../../functions/core/messages.ts';
import { deliver } from '../../../functions/deliver/deliver.ts';
import { lambdaHttp } from '../../../functions/edge/lambda-http.ts';
import { type ComeAgain, lambdaSqs } from '../../../functions/edge/lambda-sqs.ts';
import { authorize } from '../../../functions/http/authorize.ts';
import { poll } from '../../../functions/poll/poll.ts';
import { submit } from '../../../functions/submit/submit.ts';
import { sweep } from '../../../functions/sweep/sweep.ts';
import type { Message } from './queue.ts';
import type { DurationStatsOf } from './services.ts';
import type { FlowWorld } from './world.ts';

export type FunctionName = 'submit' | 'poll' | 'deliver' | 'sweep';

/** Each function's handler over a world, as functions/<name>/handler.ts makes it. */
export function handlersOf(world: FlowWorld, durationStatsOf: DurationStatsOf | null, again: ComeAgain) {
  const knowing = (poll: number) =>
    durationStatsOf ? { ...world, durationStats: durationStatsOf(poll) } : world;
  return {
    submit: lambdaHttp(async (request) => {
      const authorized = await authorize(request, world);
      return 'status' in authorized ? authorized : submit(request, authorized, knowing(0));
    }),
    poll: lambdaSqs(
      (body) => PollMessage.parse(body),
      (message, isRepeat) => poll(message, isRepeat, knowing(message.wakeUp.seq)).then(() => null),
      again,
    ),
    deliver: lambdaSqs(
      (body) => DeliverMessage.parse(body),
      (message) => deliver(message, world),
      again,
    ),
    sweep: () => sweep(world),
  };
}

export type Handlers = ReturnType<typeof handlersOf>;

/** What an event source gives to its function. @param handleOf a message's receipt handle */
export function sqsEvent(
  queue: string,
  batch: readonly Message[],
  handleOf: (message: Message) => string,
): SQSEvent {
  const Records = batch.map(({ body, receives }, index) => ({
    messageId: String(index),
    receiptHandle: handleOf(batch[index] as Message),
    body,
    attributes: {
      ApproximateReceiveCount: String(receives),
      SentTimestamp: '1767225600000',
      SenderId: 'AROAEXAMPLE:poll',
      ApproximateFirstReceiveTimestamp: '1767225601000',
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: `arn:aws:sqs:us-east-1:123456789012:${queue}`,
    awsRegion: 'us-east-1',
  }));
  return { Records };
}

const PROMPT_CHARACTERS = 500;

/** A request for one completion, with a webhook and a reference of the client's own. */
export function submission(index: number, modelId: string, key: string): APIGatewayProxyEventV2 {
  const content = `job-${index} `.padEnd(PROMPT_CHARACTERS, 'x');
  const body = {
    model_id: modelId,
    messages: [[{ role: 'user', content }]],
    webhook_url: 'https://hooks.example.com/modelstudio/jobs',
    metadata: { ref: `job-${index}` },
  };
  return {
    version: '2.0',
    routeKey: 'POST /v1/jobs',
    rawPath: '/v1/jobs',
    rawQueryString: '',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    requestContext: { requestId: 'JKJaXmPLvHcESHA=', http: { method: 'POST', path: '/v1/jobs' } },
    body: JSON.stringify(body),
    isBase64Encoded: false,
  } as unknown as APIGatewayProxyEventV2;
}
