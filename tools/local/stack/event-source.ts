import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeleteMessageBatchCommand,
  type Message,
  type MessageAttributeValue,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSMessageAttribute, SQSRecord } from 'aws-lambda';
import { REGION } from './identities.ts';

export interface EventSourceSettings {
  queueUrl: string;
  queueArn: string;
  batchSize: number;
  batchingWindowSeconds: number;
  reportsBatchItemFailures: boolean;
  maxConcurrency: number;
}

/** SQS hands out no more than this at once, and takes no more in one deletion. */
const SQS_BATCH_MAX = 10;
const SQS_WAIT_MAX_SECONDS = 20;
const RETRY_AFTER_FAILED_RECEIVE_MS = 1000;

/** A mapping from a queue to a function, polled as Lambda does: what fails is left to the visibility timeout. */
export class EventSource {
  readonly #sqs: SQSClient;
  #settings: EventSourceSettings;
  #invoke: (event: { Records: SQSRecord[] }) => Promise<unknown>;
  readonly #inFlight = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();
  readonly #polling: Promise<void>;

  constructor(
    sqs: SQSClient,
    settings: EventSourceSettings,
    invoke: (event: { Records: SQSRecord[] }) => Promise<unknown>,
  ) {
    this.#sqs = sqs;
    this.#settings = settings;
    this.#invoke = invoke;
    this.#polling = this.#poll();
  }

  /** Has what it takes from now on handled otherwise. */
  update(settings: EventSourceSettings, invoke: (event: { Records: SQSRecord[] }) => Promise<unknown>): void {
    this.#settings = settings;
    this.#invoke = invoke;
  }

  /** Takes no more messages; `closed` follows once the running invocations have ended. */
  stop(): void {
    this.#closing.abort();
  }

  async closed(): Promise<void> {
    await this.#polling;
    await Promise.all(this.#inFlight);
  }

  async #poll(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      if (this.#inFlight.size >= this.#settings.maxConcurrency) {
        await Promise.race(this.#inFlight);
        continue;
      }
      const messages = await this.#receiveBatch();
      if (messages.length === 0) continue;
      const processing: Promise<unknown> = this.#process(messages).finally(() =>
        this.#inFlight.delete(processing),
      );
      this.#inFlight.add(processing);
    }
  }

  async #receiveBatch(): Promise<Message[]> {
    const { batchSize, batchingWindowSeconds } = this.#settings;
    const batch = await this.#receive(batchSize, SQS_WAIT_MAX_SECONDS);
    if (batch.length === 0) return batch;
    const closesAt = Date.now() + batchingWindowSeconds * 1000;
    while (batch.length < batchSize && Date.now() < closesAt && !this.#closing.signal.aborted) {
      const secondsLeft = Math.ceil((closesAt - Date.now()) / 1000);
      batch.push(
        ...(await this.#receive(batchSize - batch.length, Math.min(secondsLeft, SQS_WAIT_MAX_SECONDS))),
      );
    }
    return batch;
  }

  async #receive(count: number, waitSeconds: number): Promise<Message[]> {
    const { signal } = this.#closing;
    const receive = new ReceiveMessageCommand({
      QueueUrl: this.#settings.queueUrl,
      MaxNumberOfMessages: Math.min(count, SQS_BATCH_MAX),
      WaitTimeSeconds: waitSeconds,
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    });
    try {
      return (await this.#sqs.send(receive, { abortSignal: signal })).Messages ?? [];
    } catch {
      await sleep(RETRY_AFTER_FAILED_RECEIVE_MS, undefined, { signal }).catch(() => undefined);
      return [];
    }
  }

  async #process(messages: Message[]): Promise<void> {
    const event = { Records: messages.map((message) => toRecord(message, this.#settings.queueArn)) };
    const failedIds = await this.#invoke(event).then(
      (answer) => (this.#settings.reportsBatchItemFailures ? failedMessageIds(answer, messages) : new Set()),
      () => new Set(messages.map(({ MessageId }) => MessageId)),
    );
    const done = messages.filter(({ MessageId }) => !failedIds.has(MessageId));
    for (let from = 0; from < done.length; from += SQS_BATCH_MAX) {
      await this.#delete(done.slice(from, from + SQS_BATCH_MAX));
    }
  }

  /** A message that could not be deleted comes again, as it may with SQS. */
  async #delete(messages: Message[]): Promise<void> {
    const Entries = messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    await this.#sqs
      .send(new DeleteMessageBatchCommand({ QueueUrl: this.#settings.queueUrl, Entries }))
      .catch(() => undefined);
  }
}

/** Lambda takes an answer that it cannot read, or that names an unknown message, for the failure of the whole batch. */
function failedMessageIds(answer: unknown, messages: Message[]): Set<unknown> {
  const all = new Set<unknown>(messages.map(({ MessageId }) => MessageId));
  const failures = (answer as { batchItemFailures?: unknown } | null)?.batchItemFailures ?? [];
  if (!Array.isArray(failures)) return all;
  const failed = new Set<unknown>(failures.map((failure) => failure?.itemIdentifier));
  return [...failed].every((id) => all.has(id)) ? failed : all;
}

function toRecord(message: Message, queueArn: string): SQSRecord {
  return {
    messageId: message.MessageId ?? '',
    receiptHandle: message.ReceiptHandle ?? '',
    body: message.Body ?? '',
    attributes: message.Attributes as unknown as SQSRecord['attributes'],
    messageAttributes: Object.fromEntries(
      Object.entries(message.MessageAttributes ?? {}).map(([name, value]) => [name, toAttribute(value)]),
    ),
    md5OfBody: message.MD5OfBody ?? '',
    ...(message.MD5OfMessageAttributes && { md5OfMessageAttributes: message.MD5OfMessageAttributes }),
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    awsRegion: REGION,
  };
}

function toAttribute({ StringValue, BinaryValue, DataType }: MessageAttributeValue): SQSMessageAttribute {
  return {
    ...(StringValue !== undefined && { stringValue: StringValue }),
    ...(BinaryValue !== undefined && { binaryValue: Buffer.from(BinaryValue).toString('base64') }),
    stringListValues: [] as never[],
    binaryListValues: [] as never[],
    dataType: DataType ?? 'String',
  };
}
