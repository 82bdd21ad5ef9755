import { DescribeEventBusCommand, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { SendMessageCommand } from '@aws-sdk/client-sqs';
import type { HttpOutcome } from '../../functions/core/http/http-outcome.ts';
import { ATTEMPT_DEADLINE_MILLIS } from '../../functions/core/limits.ts';
import type { ExchangeRequest } from '../../functions/edge/exchange.ts';
import type { DestinationClients } from '../../functions/edge/queues-and-buses.ts';
import { BOTH } from './destinations.ts';
import type { Environment } from './environment.ts';
import { must } from './judge.ts';
import type { Receivers } from './receivers.ts';

/** How a receiver that is a queue or a bus is called in an exchange; it is treated as one with a URL is. */
const PATHS: Record<string, string> = { lost: '/gone', closed: '/private' };

export interface Truth {
  /** How often a job has been redelivered. */
  roundOf(jobId: string): number;
  judge(verdict: () => void): void;
}

type Command = SendMessageCommand | PutEventsCommand | DescribeEventBusCommand;

/** The clients of SQS and EventBridge over exchanges with simulated receivers. */
export function destinationClients(
  environment: Environment,
  receivers: Receivers,
  { roundOf, judge }: Truth,
): DestinationClients {
  async function send(command: Command): Promise<object> {
    if (command instanceof DescribeEventBusCommand)
      return environment.carry({ service: 'sqs', command, options: {} }, () =>
        look(command.input.Name ?? ''),
      );
    const isBus = command instanceof PutEventsCommand;
    judge(() => (isBus ? judgeEvent(command.input.Entries?.[0]) : judgeOrder(command.input, roundOf)));
    const { url, headers, body } = isBus ? eventIn(command.input.Entries?.[0]) : messageIn(command.input);
    // It says so of a bus that is not there, too, and nobody has got anything.
    if (url.pathname === '/lost-bus') return { FailedEntryCount: 0, Entries: [{ EventId: 'e' }] };
    const request = requestTo(url, headers, body);
    const outcome = await environment.exchange(request, () => receivers.answer(request, environment));
    return isBus ? busAnswer(outcome) : queueAnswer(outcome);
  }

  const client = { send } as never;
  return { queuesIn: () => client, busesIn: () => client };
}

function look(arn: string): object {
  if (arn.endsWith('/lost-bus')) throw errorNamed('ResourceNotFoundException');
  return {};
}

type Event = NonNullable<PutEventsCommand['input']['Entries']>[number];

function judgeEvent({ Source, DetailType, Detail = '' }: Event = {}): void {
  const isNamed = Source === 'modelstudio-jobs' && DetailType === JSON.parse(Detail).type;
  must(isNamed, 'I3', () => `an event of ${Source} is a ${DetailType}`);
}

function judgeOrder(input: SendMessageCommand['input'], roundOf: Truth['roundOf']): void {
  const { QueueUrl = '', MessageBody = '', MessageGroupId = '', MessageDeduplicationId: given } = input;
  if (!QueueUrl.endsWith('.fifo')) return;
  const id = input.MessageAttributes?.['webhook-id']?.StringValue;
  const expected = `${id}.${roundOf(JSON.parse(MessageBody).data.job_id)}`;
  const isInOrder = BOTH.includes(MessageGroupId) && given === expected;
  must(isInOrder, 'I2', () => `a message of the group ${MessageGroupId} is called ${given}, not ${expected}`);
}

function requestTo(url: URL, headers: Record<string, string>, body: string): ExchangeRequest {
  const limits = { deadlineMillis: ATTEMPT_DEADLINE_MILLIS, maxBytes: 0 };
  return { method: 'POST', url, headers, body, ...limits };
}

function messageIn(input: SendMessageCommand['input']) {
  const { QueueUrl = '', MessageBody = '', MessageAttributes = {} } = input;
  const headers = Object.fromEntries(
    Object.entries(MessageAttributes).map(([name, { StringValue = '' }]) => [name, StringValue]),
  );
  const name = QueueUrl.replace(/^.*\//, '').replace('.fifo', '');
  return { url: new URL(`https://queue${PATHS[name] ?? '/h'}`), headers, body: MessageBody };
}

function eventIn(event: Event = {}) {
  const { Detail = '', Resources: [id = ''] = [], EventBusName = '', TraceHeader = '' } = event;
  const path = EventBusName.endsWith('/lost-bus') ? '/lost-bus' : '/h';
  // Back from X-Ray's form.
  const traceparent = TraceHeader.replace(
    /^Root=1-(.{8})-(.{24});Parent=(.{16});Sampled=(.)$/,
    '00-$1$2-$3-0$4',
  );
  return { url: new URL(`https://bus${path}`), headers: { 'webhook-id': id, traceparent }, body: Detail };
}

const errorNamed = (name: string) => Object.assign(new Error(name), { name });

const QUEUE_ERRORS: Record<number, string> = {
  410: 'QueueDoesNotExist',
  429: 'KmsThrottled',
  503: 'RequestThrottled',
};

function queueAnswer(outcome: HttpOutcome): object {
  if (outcome.kind === 'timeout') throw errorNamed('TimeoutError');
  if (outcome.kind !== 'answered')
    throw errorNamed(outcome.code === 'ERR_IP_BLOCKED' ? 'KmsAccessDenied' : 'Error');
  if (outcome.status < 300) return { MessageId: 'm' };
  throw errorNamed(QUEUE_ERRORS[outcome.status] ?? 'InternalError');
}

function busAnswer(outcome: HttpOutcome): object {
  if (outcome.kind !== 'answered') return queueAnswer(outcome);
  if (outcome.status < 300) return { FailedEntryCount: 0, Entries: [{ EventId: 'e' }] };
  const ErrorCode = [429, 503].includes(outcome.status) ? 'ThrottlingException' : 'InternalFailure';
  return { FailedEntryCount: 1, Entries: [{ ErrorCode }] };
}
