import { globSync, readFileSync } from 'node:fs';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it, vi } from 'vitest';
import { AWS_CALL_MILLIS, AWS_TRIES } from '../../functions/core/limits.ts';
import { awsSettings, describingErrors, s3Settings } from '../../functions/edge/aws.ts';
import { createBucket } from '../../functions/edge/document-bucket.ts';
import { redactedError } from '../../functions/edge/lambda-http.ts';
import { serveConnections, serveHttp } from './servers.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const clientSettings = (endpoint: string) => ({
  endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
});

/** As the functions make them, but for where the service is. */
const settingsFor = (url: URL) => ({ ...clientSettings(url.origin), ...awsSettings });
const s3SettingsFor = (url: URL) => ({ ...clientSettings(url.origin), ...s3Settings, forcePathStyle: true });

it('every client of AWS says which call failed, and is made with the settings of how long it waits and how often it tries', () => {
  const clients = globSync('functions/**/*.ts', { cwd: ROOT }).flatMap((path) => [
    ...readFileSync(ROOT + path, 'utf8').matchAll(
      /(?:\S*)new (?:DynamoDB|SQS|S3|SecretsManager|EventBridge)\w*Client\([^)]*\)/g,
    ),
  ]);
  expect(clients.length).toBeGreaterThanOrEqual(6);
  for (const [made] of clients)
    expect(made).toMatch(/^describingErrors\(new .*\(((aws|s3|link)Settings|\{ \.\.\.awsSettings, .*\})\)$/);
});

describe('an error of an AWS client', () => {
  const refusal = '{"__type":"x#AccessDeniedException","message":"canary"}';
  const refused = `HTTP/1.1 400 Bad Request\r\ncontent-length: ${refusal.length}\r\n\r\n${refusal}`;

  it('is logged with its name and its call, and without its message', async () => {
    const server = await serveConnections((socket) => socket.once('data', () => socket.end(refused)));
    const client = describingErrors(new DynamoDBClient(settingsFor(server.url)));
    const error = await client.send(new ListTablesCommand({})).catch((thrown: unknown) => thrown);
    const told = redactedError(error);
    const call = { service: 'DynamoDBClient', call: 'ListTablesCommand' };
    expect(told).toMatchObject({ name: 'AccessDeniedException', status: 400, ...call });
    expect(JSON.stringify(told)).not.toContain('canary');
  });

  it('is logged with its call when the service is out of reach, too', async () => {
    const settings = { ...settingsFor(new URL('http://127.0.0.1:1')), maxAttempts: 1 };
    const client = describingErrors(new SQSClient(settings));
    const error = await client.send(new ListQueuesCommand({})).catch((thrown: unknown) => thrown);
    const call = { service: 'SQSClient', call: 'ListQueuesCommand' };
    expect(redactedError(error)).toMatchObject({ name: 'Error', code: 'ECONNREFUSED', ...call });
  });
});

it('calls of one command at once each get an answer of their own', async () => {
  const server = await serveHttp(async (request, response) => {
    const { QueueNamePrefix } = (await json(request)) as { QueueNamePrefix: string };
    response.end(JSON.stringify({ QueueUrls: [QueueNamePrefix] }));
  });
  const client = describingErrors(new SQSClient(settingsFor(server.url)));
  const ask = (QueueNamePrefix: string) => client.send(new ListQueuesCommand({ QueueNamePrefix }));
  const answers = await Promise.all(['a', 'b', 'c'].map(ask));
  expect(answers.map(({ QueueUrls }) => QueueUrls)).toEqual([['a'], ['b'], ['c']]);
  client.destroy();
});

describe('an AWS service that hangs', { timeout: 60_000 }, () => {
  const SILENT = '';
  const HEAD_ALONE = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n';
  const dynamodb = (url: URL) => new DynamoDBClient(settingsFor(url)).send(new ListTablesCommand({}));
  const sqs = (url: URL) => new SQSClient(settingsFor(url)).send(new ListQueuesCommand({}));
  const secrets = (url: URL) => new SecretsManagerClient(settingsFor(url)).send(new ListSecretsCommand({}));
  const bucketAt = (url: URL) => createBucket('b', new S3Client(s3SettingsFor(url)));

  const HANGING: [what: string, call: (url: URL) => Promise<unknown>, answer: string][] = [
    ['DynamoDB never answers', dynamodb, SILENT],
    ['DynamoDB answers with a head and no body', dynamodb, HEAD_ALONE],
    ['SQS never answers', sqs, SILENT],
    ['SQS answers with a head and no body', sqs, HEAD_ALONE],
    ['Secrets Manager never answers', secrets, SILENT],
    ['Secrets Manager answers with a head and no body', secrets, HEAD_ALONE],
    ['S3 never answers to a write', (url) => bucketAt(url).put('k', Buffer.from('{}')), SILENT],
    ['S3 never answers to a read', (url) => bucketAt(url).get('k'), SILENT],
  ];

  /** How many times it was tried until it was given up. */
  async function tries(call: (url: URL) => Promise<unknown>, answer: string): Promise<number | string> {
    const server = await serveConnections((socket) => socket.once('data', () => socket.write(answer)));
    const givenUp = call(server.url).catch(() => server.connections());
    // A machine under load is late with all of its timers.
    return Promise.race([givenUp.then(Number), sleep(3 * AWS_CALL_MILLIS, 'late')]);
  }

  // All at once, as each takes eight seconds.
  it.concurrent('is given up in time, after the same number of tries, whichever it is', async () => {
    const tried = HANGING.map(async ([what, call, answer]) => [what, await tries(call, answer)]);
    expect(await Promise.all(tried)).toEqual(HANGING.map(([what]) => [what, AWS_TRIES]));
  });

  it.concurrent('is given up when a large object stops halfway', async () => {
    const server = await serveConnections((socket) =>
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"')),
    );
    const call = createBucket('b', new S3Client(s3SettingsFor(server.url))).get('k');
    const late = sleep(3 * AWS_CALL_MILLIS, 'late');
    expect(await Promise.race([call.catch(() => 'given up'), late])).toBe('given up');
  });

  it.each([
    [0, 2500],
    [2 * 2 ** 20, 2710],
    [128 * 2 ** 20, 15_922],
  ])('is given longer for a larger object: %d bytes have %d ms to be written', async (size, millis) => {
    const s3 = new S3Client(s3SettingsFor(new URL('http://127.0.0.1:1')));
    const sent = vi.spyOn(s3, 'send').mockImplementation(() => undefined);
    await createBucket('b', s3).put('k', { byteLength: size } as Buffer);
    const [, options] = sent.mock.calls[0] as unknown as [unknown, { requestTimeout: number }];
    expect(Math.round(options.requestTimeout)).toBe(millis);
  });
});
