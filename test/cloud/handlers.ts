import { ChangeMessageVisibilityCommand } from '@aws-sdk/client-sqs';
import type { APIGatewayProxyEventV2, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import type { Millis } from '../../functions/core/job.ts';
import {
  type DeliverMessage,
  type PollMessage,
  readCreateMessage,
  readDeliverMessage,
  readPollMessage,
} from '../../functions/core/messages.ts';
import { type DrainWorld, drain } from '../../functions/create/drain.ts';
import { deliver } from '../../functions/deliver/deliver.ts';
import { lambdaHttp } from '../../functions/edge/lambda-http.ts';
import { type ComeAgain, lambdaSqs } from '../../functions/edge/lambda-sqs.ts';
import type { Batch } from '../../functions/edge/wake-ups.ts';
import { authorize } from '../../functions/http/authorize.ts';
import { answer, type JobsWorld } from '../../functions/jobs/jobs.ts';
// What is loaded only when it is needed: virtual time would not wait for it.
import '../../functions/jobs/cancel.ts';
import '../../functions/jobs/list.ts';
import '../../functions/jobs/redeliver.ts';
import '../../functions/jobs/redeliver.ts';
import '../../functions/jobs/uploads.ts';
import { advance, type PartsWorld } from '../../functions/parts/advance.ts';
import { type PollWorld, poll } from '../../functions/poll/poll.ts';
import type { World } from '../../functions/ports.ts';
import { type SubmitWorld, submit } from '../../functions/submit/submit.ts';
import { type SweepWorld, sweep } from '../../functions/sweep/sweep.ts';
import type { Clients } from './clients.ts';
import type { Delivery } from './queue.ts';

export type HandledWorld = World &
  Omit<PollWorld, 'advance'> &
  SubmitWorld &
  SweepWorld &
  JobsWorld &
  DrainWorld &
  PartsWorld;

type Handle<T> = (world: HandledWorld) => Promise<T>;

/** Stands around what is done for a request or a message, and around a sweep: it may give it a world of its own. */
export interface Around {
  submit<T>(world: HandledWorld, handle: Handle<T>): Promise<T>;
  poll(message: PollMessage, isRepeat: boolean, world: HandledWorld, handle: Handle<void>): Promise<void>;
  deliver(
    message: DeliverMessage,
    world: HandledWorld,
    handle: Handle<Millis | null>,
  ): Promise<Millis | null>;
  sweep(world: HandledWorld, handle: Handle<void>): Promise<void>;
}

export const AS_IT_IS: Around = {
  submit: (world, handle) => handle(world),
  poll: (_message, _isRepeat, world, handle) => handle(world),
  deliver: (_message, world, handle) => handle(world),
  sweep: (world, handle) => handle(world),
};

const POLLER_LINGER_MILLIS = 20;

/** As functions/poll/poll-handler.ts has it; one for each environment. */
export function batchOf(name: string): Batch | undefined {
  return name === 'poll' || name === 'collect'
    ? { lingerMillis: POLLER_LINGER_MILLIS, underWay: 0 }
    : undefined;
}

/** Each function's handler over a world, as functions/<name>/handler.ts makes it. */
export function handlersOf(world: HandledWorld, comeAgain: ComeAgain, around = AS_IT_IS, batch?: Batch) {
  const pollerOver = (worldOf: (own: HandledWorld) => PollWorld) =>
    lambdaSqs(
      readPollMessage,
      (message, isRepeat) =>
        around
          .poll(message, isRepeat, world, (own) => poll(message, isRepeat, worldOf(own)))
          .then(() => null),
      comeAgain,
      batch,
    );
  return {
    submit: lambdaHttp(async (request) => {
      const authorized = await authorize(request, world);
      if ('status' in authorized) return authorized;
      return around.submit(world, (own) => submit(request, authorized, own));
    }),
    jobs: lambdaHttp(async (request) => {
      const authorized = await authorize(request, world);
      return 'status' in authorized ? authorized : answer(request, authorized, world);
    }),
    poll: pollerOver((own) => own),
    collect: pollerOver((own) => ({ ...own, advance: (job) => advance(job, own) })),
    create: lambdaSqs(readCreateMessage, (message) => drain(message, world), comeAgain),
    deliver: lambdaSqs(
      readDeliverMessage,
      (message) => around.deliver(message, world, (own) => deliver(message, own)),
      comeAgain,
    ),
    sweep: () => around.sweep(world, sweep),
  };
}

export type Handlers = ReturnType<typeof handlersOf>;
export type FunctionName = keyof Handlers;

/** What an event source gives to its function. */
export function sqsEvent(queue: string, batch: readonly Delivery[]): SQSEvent {
  const Records = batch.map(({ message: { body }, receives, receiptHandle }, index) => ({
    messageId: String(index),
    receiptHandle,
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

/** Which messages the function could not handle. */
export function failedIn(
  batch: readonly Delivery[],
  { batchItemFailures }: SQSBatchResponse,
): ReadonlySet<Delivery> {
  const failed = batchItemFailures.map(({ itemIdentifier }) => batch[Number(itemIdentifier)]);
  return new Set(failed.filter((delivery) => delivery !== undefined));
}

/** As a function gives messages back to the queue that feeds it. */
export function comeAgainIn({ sqs }: Clients, QueueUrl: string): ComeAgain {
  return (ReceiptHandle, VisibilityTimeout) =>
    sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout }));
}

export interface ApiRequest {
  method: string;
  /** With its query. */
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** What the gateway gives to a function. */
export function apiEvent({ method, path, headers, body }: ApiRequest): APIGatewayProxyEventV2 {
  const [rawPath = '', rawQueryString = ''] = path.split('?');
  return {
    version: '2.0',
    routeKey: `${method} ${rawPath}`,
    rawPath,
    rawQueryString,
    headers,
    requestContext: { requestId: 'JKJaXmPLvHcESHA=', http: { method, path: rawPath } },
    body,
    isBase64Encoded: false,
  } as unknown as APIGatewayProxyEventV2;
}
