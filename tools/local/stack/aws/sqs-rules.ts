import type { Call } from './call.ts';
import type { Refusal } from './refusal.ts';

interface MessageInput {
  Id?: string;
  DelaySeconds?: number;
  MessageBody?: string;
  MessageAttributes?: Record<string, { DataType?: string; StringValue?: string; BinaryValue?: string }>;
  MessageDeduplicationId?: string;
  MessageGroupId?: string;
}

const DELAY_MAX_SECONDS = 900;
const ATTRIBUTES_MAX = 10;
const QUEUE_NAME = /^[A-Za-z0-9_-]{1,80}$|^[A-Za-z0-9_-]{1,75}\.fifo$/;
const BATCH_ID_MAX_LENGTH = 80;
const ATTRIBUTE_NAME = /^(?!aws\.|amazon\.|\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,256}(?<!\.)$/i;
const ATTRIBUTE_TYPE = /^(String|Number|Binary)(\..+)?$/;
const GROUP_ID = /^[A-Za-z0-9!"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~]{1,128}$/;

/** What SQS refuses of a call, whatever queues there are, and fauxqs does not. */
export function sqsRefusal({ operation, input }: Pick<Call, 'operation' | 'input'>): Refusal | undefined {
  const {
    QueueUrl,
    QueueName,
    Entries = [],
  } = input as Record<string, string> & { Entries?: MessageInput[] };
  const isFifo = String(QueueUrl).endsWith('.fifo');
  if (operation === 'CreateQueue' && !QUEUE_NAME.test(QueueName ?? '')) {
    return invalid('Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length');
  }
  if (operation === 'SendMessage') return messageRefusal(input, isFifo);
  const longId = Entries.find(({ Id = '' }) => Id.length > BATCH_ID_MAX_LENGTH);
  if (longId) {
    const message = `A batch entry id can be at most ${BATCH_ID_MAX_LENGTH} letters long.`;
    return { code: 'InvalidBatchEntryId', message };
  }
  if (operation !== 'SendMessageBatch') return undefined;
  return Entries.map((entry) => messageRefusal(entry, isFifo)).find((refusal) => refusal !== undefined);
}

function messageRefusal(message: MessageInput, isFifo: boolean): Refusal | undefined {
  const { DelaySeconds = 0, MessageAttributes = {}, MessageDeduplicationId, MessageGroupId } = message;
  if (!message.MessageBody) {
    return { code: 'MissingParameter', message: 'The request must contain the parameter MessageBody.' };
  }
  if (!Number.isInteger(DelaySeconds) || DelaySeconds < 0 || DelaySeconds > DELAY_MAX_SECONDS) {
    const range = `DelaySeconds must be >= 0 and <= ${DELAY_MAX_SECONDS}`;
    return invalid(`Value ${DelaySeconds} for parameter DelaySeconds is invalid. Reason: ${range}.`);
  }
  if (MessageDeduplicationId !== undefined && !isFifo) {
    return invalid(
      'The request includes a parameter that is not valid for this queue type: MessageDeduplicationId',
    );
  }
  if (MessageGroupId !== undefined && !GROUP_ID.test(MessageGroupId)) {
    return invalid(
      'MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.',
    );
  }
  const attributes = Object.entries(MessageAttributes);
  if (attributes.length > ATTRIBUTES_MAX) {
    return invalid(
      `Number of message attributes [${attributes.length}] exceeds the allowed maximum [${ATTRIBUTES_MAX}].`,
    );
  }
  const wrong = attributes.find(([name, { DataType = '', StringValue, BinaryValue }]) => {
    const isNamed = ATTRIBUTE_NAME.test(name) && ATTRIBUTE_TYPE.test(DataType);
    return !isNamed || !(StringValue ?? BinaryValue);
  });
  return wrong && invalid(`The message attribute '${wrong[0]}' has an invalid name, type or value.`);
}

/** The ARN of the queue that the call names for dead letters, or what is wrong with how it is named. */
export function deadLettersOf({ input }: Pick<Call, 'input'>): { arn?: string; refusal?: Refusal } {
  const { RedrivePolicy = '' } = (input['Attributes'] ?? {}) as Record<string, string>;
  if (RedrivePolicy === '') return {};
  const { deadLetterTargetArn, maxReceiveCount } = parsed(RedrivePolicy);
  const isCount = /^\d+$/.test(String(maxReceiveCount)) && Number(maxReceiveCount) >= 1;
  if (typeof deadLetterTargetArn !== 'string' || !isCount || Number(maxReceiveCount) > 1000) {
    return {
      refusal: invalidRedrive(RedrivePolicy, 'The policy names no queue, or no count from 1 to 1000.'),
    };
  }
  return { arn: deadLetterTargetArn };
}

export function noDeadLetters(arn: string): Refusal {
  return invalidRedrive(arn, 'Dead letter target does not exist.');
}

function invalidRedrive(value: string, reason: string): Refusal {
  return invalid(`Value ${value} for parameter RedrivePolicy is invalid. Reason: ${reason}`);
}

function invalid(message: string): Refusal {
  return { code: 'InvalidParameterValue', message };
}

function parsed(json: string): Record<string, unknown> {
  try {
    return JSON.parse(json) ?? {};
  } catch {
    return {};
  }
}
