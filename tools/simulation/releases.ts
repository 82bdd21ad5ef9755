import { inflateRawSync } from 'node:zlib';
import { BatchGetItemCommand, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import type { Cloud } from '../../test/cloud/cloud.ts';
import { Contents } from '../../test/cloud/contents.ts';
import type { Item } from '../../test/cloud/expressions.ts';
import { mixed } from './injections.ts';

/** Whose code an environment runs, as far as what it stores tells: the one before, today's, or a stand-in for a later one. */
export type Release = 'older' | 'today' | 'later';

const LATER = { N: '9' };
const TODAY = { N: '1' };
const SEALED = 'sealed ';

/** Hardly changed, or so that today's release can read none of it, or in a state that it does not know. */
type Shape = 'alike' | 'sealed' | 'state';
type Kind = 'row' | 'message' | 'document';

/** What of a job needs the later format: a release writes the lowest one that can express something. */
const SCHEMES: Partial<Record<Kind, Shape>>[] = [
  {},
  { row: 'alike' },
  { row: 'sealed' },
  { row: 'state' },
  { message: 'alike' },
  { message: 'sealed' },
  { document: 'alike' },
  { document: 'sealed' },
  { row: 'sealed', message: 'sealed', document: 'sealed' },
];

/** The same for all that is stored of a job, so that what is of the later release remains so. */
function shapeOf(kind: Kind, jobId: string | undefined, seed: number): Shape | undefined {
  return SCHEMES[mixed(seed, `scheme of ${jobId}`) % SCHEMES.length]?.[kind];
}

/** Has a command store what it stores as a release would. */
export function storeAs(release: Release, command: object, seed: number): void {
  if (release === 'older') makeOlder(command);
  if (release === 'later') makeLater(command, seed);
}

/** The release before knew nothing of formats, nor of all else that is written today. */
function makeOlder(command: object): void {
  if (command instanceof PutItemCommand) {
    for (const name of ['isSeen', 'doubt', 'format']) delete command.input.Item?.[name];
  }
  if (command instanceof PutObjectCommand) delete command.input.Metadata;
  rewriteMessages(command, (body) => {
    const { isSeen, format, ...older } = JSON.parse(body);
    return JSON.stringify(older);
  });
}

function makeLater(command: object, seed: number): void {
  if (command instanceof PutItemCommand) {
    const { TableName, Item = {} } = command.input;
    if (TableName === 'jobs') command.input.Item = laterRow(Item, seed);
    if (TableName === 'documents') command.input.Item = laterDocument(Item, seed);
  }
  if (command instanceof PutObjectCommand) makeLaterObject(command, seed);
  rewriteMessages(command, (body) => laterMessage(body, seed));
}

function rewriteMessages(command: object, rewrite: (body: string) => string): void {
  if (!(command instanceof SendMessageBatchCommand)) return;
  for (const entry of command.input.Entries ?? []) entry.MessageBody = rewrite(entry.MessageBody ?? '');
}

/** By which the indexes and the conditions go, of whatever release a row is. */
const KEYS = [
  ...['jobId', 'client', 'listKey', 'sweepShard', 'sweepAt', 'queueName', 'queuePlace'],
  ...['ttl', 'version', 'createdAt'],
];

/** Places have no format: a release that needs more of them than this one knows has to give them other keys. */
function laterRow(row: Item, seed: number): Item {
  if (row['status'] === undefined) return row;
  switch (shapeOf('row', row['jobId']?.S, seed)) {
    case undefined:
      return row;
    case 'alike':
      return { ...row, format: LATER };
    case 'state':
      return { ...row, status: { S: 'paused' }, was: row['status'] as Item[string] };
    case 'sealed': {
      const keys = Object.entries(row).filter(([name]) => KEYS.includes(name));
      return { ...Object.fromEntries(keys), format: LATER, sealed: { M: row } };
    }
  }
}

/** A row as the release that wrote it has it. */
export function openedRow({ was, ...row }: Item): Item {
  if (was !== undefined) return { ...row, status: was };
  return row['sealed']?.M ?? (isLater(row) ? { ...row, format: TODAY } : row);
}

export function isLaterRow(row: Item | null): boolean {
  return row !== null && (isLater(row) || row['was'] !== undefined);
}

function isLater({ format }: Item): boolean {
  return format?.N === LATER.N;
}

/** Of what no link leads to, as no release changes the results therefore. */
function documentShape(key = '', seed: number): Shape | undefined {
  const [folder, jobId] = key.split('/');
  return folder === 'events' || folder === 'requests' ? shapeOf('document', jobId, seed) : undefined;
}

function laterDocument(item: Item, seed: number): Item {
  const shape = documentShape(item['key']?.S, seed);
  if (shape === undefined) return item;
  const { deflated, ...rest } = item;
  const content = { [shape === 'sealed' ? 'sealed' : 'deflated']: deflated as Item[string] };
  return { ...rest, format: LATER, ...content };
}

function openedDocument(item: Item): Item {
  const { sealed, ...rest } = item;
  if (!isLater(item)) return item;
  return { ...rest, format: TODAY, ...(sealed && { deflated: sealed }) };
}

function makeLaterObject({ input }: PutObjectCommand, seed: number): void {
  const shape = documentShape(input.Key, seed);
  if (shape === undefined) return;
  input.Metadata = { format: LATER.N };
  if (shape !== 'sealed') return;
  const body = Buffer.from(SEALED + String(input.Body));
  Object.assign(input, { Body: body, ContentLength: body.byteLength });
}

function openedText(text: string): string {
  return text.startsWith(SEALED) ? text.slice(SEALED.length) : text;
}

function laterMessage(body: string, seed: number): string {
  const { jobId, format, ...message } = JSON.parse(body);
  const shape = shapeOf('message', jobId ?? 'the queue', seed);
  if (shape === undefined) return body;
  const rest = shape === 'alike' ? message : { sealed: message };
  return JSON.stringify({ ...rest, jobId, format: 2 });
}

export function isLaterMessage(body: string): boolean {
  return body.endsWith('"format":2}');
}

/** A message as the release that sent it has it. */
export function openedMessage(body: string): string {
  if (!isLaterMessage(body)) return body;
  const { jobId, sealed, ...message } = JSON.parse(body);
  return JSON.stringify({ ...message, ...sealed, jobId, format: 1 });
}

interface Answered {
  Item?: Item;
  Responses?: Record<string, Item[]>;
  Body?: { transformToString(): Promise<string> };
}

/** What the cloud answers, as the later release reads it. */
export function readAsLater<T>(command: object, answer: T): T {
  const { Item, Responses, Body } = (answer ?? {}) as Answered;
  if (command instanceof GetItemCommand && Item) {
    const { TableName } = command.input;
    if (TableName === 'jobs') return { ...answer, Item: openedRow(Item) };
    if (TableName === 'documents') return { ...answer, Item: openedDocument(Item) };
  }
  if (command instanceof BatchGetItemCommand && Responses) {
    const opened = Object.entries(Responses).map(([name, rows]) => [name, rows.map(openedRow)]);
    return { ...answer, Responses: Object.fromEntries(opened) };
  }
  if (command instanceof GetObjectCommand && Body) {
    const transformToString = async () => openedText(await Body.transformToString());
    return { ...answer, Body: { transformToString }, Metadata: { format: TODAY.N } };
  }
  return answer;
}

/** All documents, of whatever release they are. */
export class OpenedContents extends Contents {
  readonly #cloud: Cloud;
  readonly #seen = new Map<string, string>();

  constructor(cloud: Cloud) {
    super(cloud);
    this.#cloud = cloud;
  }

  override get(key: string): string | undefined {
    const text = this.#stored(key);
    if (text !== undefined) this.#seen.set(key, text);
    return text;
  }

  /** Of a document that was deleted, too, for answers of those who had read it before. */
  ever(key: string): string | undefined {
    return this.get(key) ?? this.#seen.get(key);
  }

  #stored(key: string): string | undefined {
    const item = this.#cloud.tables.documents.peek(key);
    const deflated = item && openedDocument(item)['deflated']?.B;
    if (deflated) return inflateRawSync(deflated).toString();
    const text = this.#cloud.objects.get(key);
    return text && openedText(text);
  }
}

export function isLaterDocument({ tables, metadata }: Cloud, key: string): boolean {
  return isLater(tables.documents.peek(key) ?? {}) || metadata.get(key)?.['format'] === LATER.N;
}
