import {
  BatchGetItemCommand,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { GetSecretValueCommand, ResourceNotFoundException } from '@aws-sdk/client-secrets-manager';
import { ChangeMessageVisibilityCommand, SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import type { Millis } from '../../functions/core/job.ts';
import { FUNCTIONS } from '../../functions/core/limits.ts';
import type { Item } from './expressions.ts';
import { Meter } from './meter.ts';
import { type Delivery, type EventSource, type Handled, Queue } from './queue.ts';
import { Table, type TableShape } from './table.ts';
import type { Time } from './time.ts';

const DAY_MILLIS = 86_400_000;

export const QUEUES = ['create', 'poll', 'collect', 'deliver'] as const;
export type QueueName = (typeof QUEUES)[number];

/** As lib/storage/storage.ts has them. */
const TABLES = {
  jobs: {
    name: 'jobs',
    key: 'jobId',
    indexes: [
      { name: 'sweep', keys: ['sweepShard', 'sweepAt'] },
      { name: 'client', keys: ['client', 'listKey'] },
      { name: 'queue', keys: ['queueName', 'queuePlace'] },
    ],
  },
  documents: { name: 'documents', key: 'key' },
  durationStats: { name: 'durationStats', key: 'bucket' },
  clientKeys: { name: 'clientKeys', key: 'sha256' },
} satisfies Record<string, TableShape>;
export type TableName = keyof typeof TABLES;

/** A secret and the one before it, once it was rotated. */
export interface Secret {
  AWSCURRENT: string;
  AWSPREVIOUS?: string;
}

/** What AWS does on its own account, where it does otherwise than one would like. */
export interface CloudFaults {
  /** How far an index is behind with a write. */
  indexLagMillis(): Millis;
  /** How many entries of the sparse index come in one page. */
  sweepPageMax(): number;
  /** Whether DynamoDB reads a key of many, or leaves it to be asked for again. */
  isProcessed(): boolean;
  /** Whether SQS takes an entry of a batch. */
  isTaken(): boolean;
  /** How much too late DynamoDB and S3 delete what is past its time, up to two days; null: they never do. */
  ttlLateMillis(): Millis | null;
}

const NO_FAULTS: CloudFaults = {
  indexLagMillis: () => 0,
  sweepPageMax: () => Number.POSITIVE_INFINITY,
  isProcessed: () => true,
  isTaken: () => true,
  ttlLateMillis: () => null,
};

export interface CloudOptions {
  time: Time;
  meter?: Meter;
  /** One invocation of the function that a queue feeds. Without one, messages stay where they are. */
  handle?: (queue: QueueName, batch: readonly Delivery[]) => Promise<Handled>;
  eventSource?: EventSource;
  /** Null: as deployed, six times the function's time-out. */
  visibilityMillis?: (queue: QueueName) => Millis | null;
  /** Of the objects in the bucket, by its lifecycle rule. */
  objectDays?: number;
  /** See TableShape. */
  isDone?: (row: Item) => boolean;
}

/** AWS in memory: the tables, the bucket, the queues and the secrets, as they are to those who send commands. */
export class Cloud {
  readonly meter: Meter;
  readonly tables: Record<TableName, Table>;
  readonly queues: Record<QueueName, Queue>;
  readonly objects = new Map<string, string>();
  /** Of the objects that have any. */
  readonly metadata = new Map<string, Record<string, string>>();
  readonly secrets = new Map<string, Secret>();
  faults: CloudFaults = NO_FAULTS;
  /** Told of each message as it is sent. */
  onSend: (queue: QueueName, body: string, delaySeconds: number) => void = () => undefined;
  readonly #time: Time;
  readonly #objectMillis: Millis;

  constructor(options: CloudOptions) {
    const { time, meter = new Meter(), isDone, objectDays = 0 } = options;
    this.meter = meter;
    this.#time = time;
    this.#objectMillis = objectDays * DAY_MILLIS;
    const tableOptions = {
      meter,
      time,
      lagMillis: () => this.faults.indexLagMillis(),
      ttlLateMillis: () => this.faults.ttlLateMillis(),
      pageMax: (index: string) => (index === 'sweep' ? this.faults.sweepPageMax() : Number.POSITIVE_INFINITY),
    };
    const table = (shape: TableShape) => new Table(shape, tableOptions);
    this.tables = {
      jobs: table({ ...TABLES.jobs, ...(isDone && { isDone }) } as TableShape),
      documents: table(TABLES.documents),
      durationStats: table(TABLES.durationStats),
      clientKeys: table(TABLES.clientKeys),
    };
    this.queues = {
      create: this.#queue('create', options),
      poll: this.#queue('poll', options),
      collect: this.#queue('collect', options),
      deliver: this.#queue('deliver', options),
    };
  }

  #queue(name: QueueName, { time, handle, eventSource, visibilityMillis }: CloudOptions): Queue {
    const timeoutMillis = 1000 * FUNCTIONS[name].timeoutSeconds;
    const queue = {
      name,
      timeoutMillis,
      ...eventSource,
      visibilityMillis: () => visibilityMillis?.(name) ?? 6 * timeoutMillis,
      handle: (batch: readonly Delivery[]) => handle?.(name, batch) ?? new Promise<Handled>(() => undefined),
    };
    return new Queue(queue, time, this.meter);
  }

  /** What a command does and answers, at one moment. */
  apply(command: unknown): unknown {
    if (command instanceof GetItemCommand) {
      const { Key, ConsistentRead = false } = command.input;
      return this.#table(command).get(Key as Item, ConsistentRead);
    }
    if (command instanceof PutItemCommand)
      return this.#table(command).put(command.input.Item as Item, command.input);
    if (command instanceof DeleteItemCommand)
      return this.#table(command).delete(command.input.Key as Item, command.input);
    if (command instanceof UpdateItemCommand)
      return this.#table(command).update(command.input.Key as Item, command.input);
    if (command instanceof QueryCommand) return this.#table(command).query(command.input);
    if (command instanceof BatchGetItemCommand) return this.#batchGet(command);
    if (command instanceof SendMessageBatchCommand) return this.#send(command);
    if (command instanceof ChangeMessageVisibilityCommand) return this.#changeVisibility(command);
    if (command instanceof PutObjectCommand) return this.#putObject(command);
    if (command instanceof GetObjectCommand) return this.#getObject(command);
    if (command instanceof HeadObjectCommand) return this.#headObject(command);
    if (command instanceof DeleteObjectCommand) return this.#deleteObject(command);
    if (command instanceof GetSecretValueCommand) return this.#secret(command);
    throw new Error(`The simulated cloud does not know ${command?.constructor.name}`);
  }

  #table({ input }: { input: { TableName?: string | undefined } }): Table {
    return this.tables[input.TableName as TableName] ?? missing('table', input.TableName);
  }

  #batchGet({ input }: BatchGetItemCommand): object {
    const [[name = '', { Keys = [], ConsistentRead = false } = {}] = []] = Object.entries(
      input.RequestItems ?? {},
    );
    const table = this.tables[name as TableName] ?? missing('table', name);
    if (Keys.length === 0 || Keys.length > 100) throw new Error(`ValidationException: ${Keys.length} keys`);
    const found: Item[] = [];
    const unread: Item[] = [];
    for (const key of Keys) {
      if (!this.faults.isProcessed()) unread.push(key);
      else found.push(...Object.values(table.get(key, ConsistentRead)));
    }
    // In no order of their own.
    const Responses = { [name]: found.reverse() };
    return { Responses, UnprocessedKeys: unread.length > 0 ? { [name]: { Keys: unread } } : {} };
  }

  #send({ input }: SendMessageBatchCommand): object {
    const { QueueUrl = '', Entries = [] } = input;
    const queue = this.queues[QueueUrl as QueueName] ?? missing('queue', QueueUrl);
    if (Entries.length === 0 || Entries.length > 10) throw new Error(`A batch of ${Entries.length} messages`);
    const bytes = Entries.reduce((sum, { MessageBody = '' }) => sum + Buffer.byteLength(MessageBody), 0);
    if (bytes > 1024 * 1024) throw new Error(`BatchRequestTooLong: ${bytes} bytes`);
    this.meter.add('sqs.sends', Math.ceil(bytes / 65_536));
    const Failed: object[] = [];
    for (const { Id, MessageBody = '', DelaySeconds = 0 } of Entries) {
      if (!Number.isInteger(DelaySeconds) || DelaySeconds < 0 || DelaySeconds > 900)
        throw new Error(`InvalidParameterValue: a delay of ${DelaySeconds} s`);
      if (!this.faults.isTaken()) {
        Failed.push({ Id, SenderFault: false, Code: 'InternalError' });
        continue;
      }
      this.meter.add('sqs.messages');
      this.onSend(queue.name as QueueName, MessageBody, DelaySeconds);
      queue.send(MessageBody, DelaySeconds);
    }
    return Failed.length > 0 ? { Failed } : {};
  }

  #changeVisibility({ input }: ChangeMessageVisibilityCommand): object {
    const { QueueUrl = '', ReceiptHandle = '', VisibilityTimeout = 0 } = input;
    this.meter.add('sqs.sends');
    const queue = this.queues[QueueUrl as QueueName] ?? missing('queue', QueueUrl);
    queue.changeVisibility(ReceiptHandle, VisibilityTimeout);
    return {};
  }

  #putObject({ input }: PutObjectCommand): object {
    const { Key = '' } = input;
    const body = input.Body as Buffer;
    this.meter.add('s3.puts');
    const { ContentLength = body.byteLength } = input;
    if (ContentLength !== body.byteLength) throw s3Error('IncompleteBody', 400);
    if (input.IfNoneMatch === '*' && this.objects.has(Key)) throw s3Error('PreconditionFailed', 412);
    this.meter.add('s3.kept', body.byteLength);
    this.objects.set(Key, body.toString());
    this.metadata.set(Key, input.Metadata ?? {});
    const lateMillis = this.faults.ttlLateMillis();
    if (lateMillis === null) return {};
    this.#time.after(this.#objectMillis + lateMillis, () => {
      this.objects.delete(Key);
      this.metadata.delete(Key);
    });
    return {};
  }

  #getObject({ input }: GetObjectCommand): object {
    this.meter.add('s3.gets');
    const text = this.objects.get(input.Key ?? '');
    if (text === undefined) throw s3Error('AccessDenied', 403);
    return { Body: bodyOf(text, input.Range), Metadata: this.metadata.get(input.Key ?? '') };
  }

  #headObject({ input }: HeadObjectCommand): object {
    this.meter.add('s3.gets');
    const text = this.objects.get(input.Key ?? '');
    if (text === undefined) throw s3Error('403', 403);
    return { ContentLength: Buffer.byteLength(text) };
  }

  #deleteObject({ input }: DeleteObjectCommand): object {
    this.objects.delete(input.Key ?? '');
    this.metadata.delete(input.Key ?? '');
    return {};
  }

  #secret({ input }: GetSecretValueCommand): object {
    const { SecretId = '', VersionStage = 'AWSCURRENT' } = input;
    this.meter.add('secrets.calls');
    const SecretString = this.secrets.get(SecretId)?.[VersionStage as keyof Secret];
    if (SecretString !== undefined) return { SecretString };
    const message = "Secrets Manager can't find the specified secret value for staging label";
    throw new ResourceNotFoundException({ message, $metadata: {} });
  }
}

/** Nobody may list the bucket, so what is not there is forbidden. */
const s3Error = (name: string, httpStatusCode: number) =>
  Object.assign(new Error(name), { name, $metadata: { httpStatusCode } });

function bodyOf(text: string, range = '') {
  const [, from = '0', last] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
  const bytes = Buffer.from(text).subarray(Number(from), last === undefined ? undefined : Number(last) + 1);
  return {
    transformToString: async () => bytes.toString(),
    transformToByteArray: async () => new Uint8Array(bytes),
    async *[Symbol.asyncIterator]() {
      // In pieces that end anywhere.
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
    },
  };
}

const PIECE_BYTES = 1000;

function missing(kind: string, name: string | undefined): never {
  throw new Error(`There is no ${kind} ${name}`);
}
