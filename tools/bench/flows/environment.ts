import {
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { HttpOutcome } from '../../../functions/core/http/http-outcome.ts';
import type { Millis } from '../../../functions/core/job.ts';
import type { ExchangeRequest } from '../../../functions/edge/exchange.ts';
import { answered } from './outside.ts';
import type { Services } from './services.ts';
import { type Item, Table } from './table.ts';

/** What befalls an invocation at one of its calls. */
export type Fault = { kind: 'failing_call' | 'upstream_500' | 'dropped'; atCall: number };

/** How long each call takes: together, an invocation then takes about as long as it is assumed to be billed. */
const LATENCY = { dynamodb: 4, sqs: 8, s3: 30, secrets: 10, create: 310, report: 50, webhook: 220 } as const;

/** A Lambda execution environment: it runs one invocation at a time, and what it keeps in memory is its own. */
export class Environment {
  readonly #services: Services;
  #fault: Fault | null = null;
  #calls = 0;
  #die: (() => void) | null = null;
  #isDead = false;

  constructor(services: Services) {
    this.#services = services;
  }

  /** @param die is called if the fault ends the environment */
  begin(fault: Fault | null, die: () => void): void {
    this.#fault = fault;
    this.#calls = 0;
    this.#die = die;
  }

  /** One call to the world beyond: its effect and its answer come after so long. */
  call<T>(millis: Millis, effect: () => T): Promise<T> {
    const { time, overhead } = this.#services;
    const never = new Promise<T>(() => undefined);
    if (this.#isDead) return never;
    const fault = this.#fault?.atCall === this.#calls++ ? this.#fault.kind : null;
    if (fault === 'dropped') {
      this.#isDead = true;
      this.#die?.();
      return never;
    }
    return new Promise((resolve, reject) => {
      time.after(millis, () => {
        if (this.#isDead) return;
        if (fault === 'failing_call') return reject(new Error('The call failed'));
        try {
          resolve(overhead.of(effect));
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** Of the SDK's own class, as its paginators ask for that. */
  readonly dynamodb: DynamoDBClient = Object.assign(Object.create(DynamoDBClient.prototype), {
    send: (command: unknown) => this.call(LATENCY.dynamodb, () => this.#apply(command)),
  });

  #apply(command: unknown): unknown {
    const { tables } = this.#services;
    const { input } = command as { input: { TableName: string } };
    const table = tables[input.TableName as keyof typeof tables];
    if (!(table instanceof Table)) throw new Error(`There is no table ${input.TableName}`);
    if (command instanceof GetItemCommand) {
      return table.get(command.input.Key as Item, command.input.ConsistentRead ?? false);
    }
    if (command instanceof PutItemCommand) return table.put(command.input.Item as Item, command.input);
    if (command instanceof DeleteItemCommand) return table.delete(command.input.Key as Item, command.input);
    if (command instanceof UpdateItemCommand) {
      const { Key, UpdateExpression = '', ExpressionAttributeValues } = command.input;
      return table.update(Key as Item, UpdateExpression, ExpressionAttributeValues as Item);
    }
    if (command instanceof QueryCommand) {
      const { IndexName = '', ExpressionAttributeValues } = command.input;
      const { ':shard': shard, ':now': now } = ExpressionAttributeValues as Item;
      return table.query(IndexName, shard?.N ?? '', Number(now?.N));
    }
    throw new Error(`The table does not take ${command?.constructor.name}`);
  }

  readonly sqs = {
    send: ({ input }: SendMessageBatchCommand) =>
      this.call(LATENCY.sqs, () => {
        const { queues, meter } = this.#services;
        const { QueueUrl, Entries = [] } = input;
        const bytes = Entries.reduce((sum, { MessageBody = '' }) => sum + Buffer.byteLength(MessageBody), 0);
        meter.add('sqs.sends', Math.ceil(bytes / 65_536));
        meter.add('sqs.messages', Entries.length);
        for (const { MessageBody = '', DelaySeconds = 0 } of Entries) {
          queues[QueueUrl as keyof typeof queues].send(MessageBody, DelaySeconds);
        }
        return {};
      }),
  } as unknown as SQSClient;

  readonly s3 = {
    send: (command: unknown) =>
      this.call(LATENCY.s3, () => {
        const { objects, meter } = this.#services;
        if (command instanceof PutObjectCommand) {
          meter.add('s3.puts');
          meter.add('s3.kept', (command.input.Body as Buffer).byteLength);
          objects.set(command.input.Key ?? '', String(command.input.Body));
          return {};
        }
        if (!(command instanceof GetObjectCommand))
          throw new Error('The bucket takes and gives objects only');
        meter.add('s3.gets');
        const text = objects.get(command.input.Key ?? '') ?? '';
        return { Body: { transformToString: async () => text } };
      }),
  } as unknown as S3Client;

  /** A secret in Secrets Manager, which takes so many calls to read and is remembered for so long. */
  secret<T>(value: T, calls: number, seconds: number): (isStale?: boolean) => Promise<T> {
    const { time, meter } = this.#services;
    let until = Number.NEGATIVE_INFINITY;
    return async (isStale = false) => {
      if (until > time.now && !isStale) return value;
      await this.call(LATENCY.secrets, () => meter.add('secrets.calls', calls));
      until = time.now + seconds * 1000;
      return value;
    };
  }

  readonly exchange = (request: ExchangeRequest): Promise<HttpOutcome> => {
    const { time, outside, meter, overhead } = this.#services;
    if (this.#fault?.kind === 'upstream_500') {
      this.#fault = null;
      return this.call(LATENCY.report, () => answered(500, '{}'));
    }
    const isWebhook = request.headers['webhook-id'] !== undefined;
    const kind = isWebhook ? 'webhook' : request.method === 'POST' ? 'create' : 'report';
    meter.add(`exchanges.${kind}`);
    const millis = this.#services.options.exchangeMillis?.(request) ?? LATENCY[kind];
    const { deadlineMillis } = request;
    // The other side does at once what it is asked for, and may take its time to say so.
    const outcome = overhead.of(() => outside.answer(request, time.now));
    const late: HttpOutcome = { kind: 'timeout', isConnected: true };
    return this.call(Math.min(millis, deadlineMillis), () => (millis > deadlineMillis ? late : outcome));
  };
}
