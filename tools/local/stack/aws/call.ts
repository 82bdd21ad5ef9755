import type { IncomingHttpHeaders } from 'node:http';
import { arn, PARTITION, secretArn } from '../identities.ts';

export type Service = 'dynamodb' | 'events' | 's3' | 'secretsmanager' | 'sqs';

/** One thing that a call needs to be allowed. */
export interface Need {
  action: string;
  resource: string;
  context?: Record<string, string>;
}

/** A request to AWS's API, as far as anybody here has to understand it. */
export interface Call {
  service: Service;
  method: string;
  /** `GetItem`; none of S3, whose method and address say it. */
  operation: string;
  input: Record<string, unknown>;
  query: URLSearchParams;
  authorization: string | undefined;
  /** In whose name it is made; null: it bears no credentials of AWS's. */
  accessKeyId: string | null;
  needs: Need[];
}

export interface CallRequest {
  method?: string | undefined;
  url?: string | undefined;
  headers: IncomingHttpHeaders;
}

/** Which of the two that share an address a request is for. */
export function queueOrObject({ headers }: CallRequest): 's3' | 'sqs' {
  return headers['x-amz-target'] === undefined ? 's3' : 'sqs';
}

/** @throws SyntaxError when the body should be JSON and is not */
export function readCall(service: Service, request: CallRequest, body: string): Call {
  const { method = '', url = '/', headers } = request;
  const { authorization } = headers;
  const { pathname, searchParams: query } = new URL(`http://aws${url}`);
  const operation = service === 's3' ? '' : String(headers['x-amz-target']).replace(/^.*\./, '');
  const input = service !== 's3' && body !== '' ? (JSON.parse(body) as Call['input']) : {};
  const credential = /Credential=([^/,]+)\//.exec(authorization ?? '')?.[1];
  const accessKeyId = credential ?? query.get('X-Amz-Credential')?.split('/')[0] ?? null;
  const needs =
    service === 's3' ? objectNeeds(method, pathname, query, body) : READ_NEEDS[service](operation, input);
  return { service, method, operation, input, query, authorization, accessKeyId, needs };
}

const READ_NEEDS: Record<Exclude<Service, 's3'>, (operation: string, input: Call['input']) => Need[]> = {
  dynamodb(operation, { TableName, IndexName, RequestItems = {} }) {
    const index = IndexName === undefined ? '' : `/index/${IndexName}`;
    const tables = TableName === undefined ? Object.keys(RequestItems as object) : [`${TableName}${index}`];
    const resources = tables.map((table) => arn('dynamodb', `table/${table}`));
    return needsOf(`dynamodb:${operation}`, resources);
  },
  events(operation, { Name, Entries = [] }) {
    const entries = Entries as { EventBusName?: string }[];
    const buses = Name === undefined ? entries.map(({ EventBusName = '' }) => EventBusName) : [String(Name)];
    return needsOf(`events:${operation}`, buses);
  },
  secretsmanager(operation, { SecretId, Name }) {
    const id = SecretId ?? Name;
    return needsOf(`secretsmanager:${operation}`, id === undefined ? [] : [secretArn(String(id))]);
  },
  // A batch needs what each of its entries would.
  sqs(operation, { QueueUrl, QueueName }) {
    const name = QueueName ?? String(QueueUrl ?? '').replace(/^.*\//, '');
    return needsOf(`sqs:${operation.replace(/Batch$/, '')}`, name === '' ? [] : [arn('sqs', String(name))]);
  },
};

/** A call that the functions never make needs a permission for everything. */
const ANYTHING = 's3:*';
const OBJECT_ACTIONS: Record<string, string> = {
  GET: 's3:GetObject',
  HEAD: 's3:GetObject',
  PUT: 's3:PutObject',
  DELETE: 's3:DeleteObject',
  POST: 's3:PutObject',
};

function objectNeeds(method: string, pathname: string, query: URLSearchParams, body: string): Need[] {
  const [, bucket = '', ...rest] = pathname.split('/').map(decodeURIComponent);
  const key = rest.join('/');
  const bucketArn = `arn:${PARTITION}:s3:::${bucket}`;
  if (key !== '') return needsOf(OBJECT_ACTIONS[method] ?? ANYTHING, [`${bucketArn}/${key}`]);
  if (method === 'POST' && query.has('delete')) {
    const keys = [...body.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, each]) => `${bucketArn}/${each}`);
    return needsOf('s3:DeleteObject', keys);
  }
  const isLook = bucket !== '' && ['GET', 'HEAD'].includes(method);
  if (!isLook) return needsOf(ANYTHING, [bucketArn]);
  return [
    { action: 's3:ListBucket', resource: bucketArn, context: { 's3:prefix': query.get('prefix') ?? '' } },
  ];
}

function needsOf(action: string, resources: string[]): Need[] {
  return (resources.length > 0 ? resources : ['*']).map((resource) => ({ action, resource }));
}
