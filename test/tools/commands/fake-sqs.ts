import type { IncomingMessage } from 'node:http';
import {
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import type { Running } from '../../../tools/commands/running.ts';
import { clientSettings } from '../../../tools/local/stack/clients.ts';
import { type Answer, json } from './answer.ts';

interface Task {
  Status: 'RUNNING' | 'COMPLETED';
  ApproximateNumberOfMessagesMoved: number;
}

/** A system's own SQS, with the redrive that its emulator lacks. A task is seen to run once before it is done. */
export function fakeSqs({ endpoints, resources }: Running, refuses: () => Record<string, string>) {
  const sqs = new SQSClient(clientSettings(endpoints.sqs));
  const urlOf = (arn: string) =>
    Object.values(resources).find((url) => url.endsWith(`/${arn.split(':').at(-1)}`));
  const tasks = new Map<string, Task>();

  return async (request: IncomingMessage, body: string): Promise<Answer> => {
    const operation = String(request.headers['x-amz-target']).replace('AmazonSQS.', '');
    const { SourceArn, DestinationArn } = JSON.parse(body);
    const error = refuses()[operation];
    if (error) return { ...json({ __type: `com.amazonaws.sqs#${error}`, message: 'Refused.' }), status: 400 };
    if (operation === 'StartMessageMoveTask') {
      const moved = await moveAll(sqs, urlOf(SourceArn), urlOf(DestinationArn));
      tasks.set(SourceArn, { Status: 'RUNNING', ApproximateNumberOfMessagesMoved: moved });
      return json({ TaskHandle: SourceArn });
    }
    if (operation === 'ListMessageMoveTasks') {
      const task = tasks.get(SourceArn);
      if (task) tasks.set(SourceArn, { ...task, Status: 'COMPLETED' });
      return json({ Results: task ? [task] : [] });
    }
    return forward(endpoints.sqs, request, body);
  };
}

async function forward(endpoint: string, { headers }: IncomingMessage, body: string): Promise<Answer> {
  const names = ['x-amz-target', 'content-type', 'authorization'];
  const kept = Object.fromEntries(names.map((name) => [name, String(headers[name])]));
  const response = await fetch(endpoint, { method: 'POST', headers: kept, body });
  return { status: response.status, type: 'application/json', body: await response.text() };
}

async function moveAll(sqs: SQSClient, from: string | undefined, to: string | undefined): Promise<number> {
  const receive = new ReceiveMessageCommand({ QueueUrl: from, MaxNumberOfMessages: 10 });
  const { Messages = [] } = await sqs.send(receive);
  for (const { Body, ReceiptHandle } of Messages) {
    await sqs.send(new SendMessageCommand({ QueueUrl: to, MessageBody: Body }));
    await sqs.send(new DeleteMessageCommand({ QueueUrl: from, ReceiptHandle }));
  }
  return Messages.length;
}
