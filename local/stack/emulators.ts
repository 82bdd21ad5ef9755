import type { Server } from 'node:http';
import dynalite from 'dynalite';
import { buildApp } from 'fauxqs';
import { closeServer, listenLocally } from './http-server.ts';
import { REGION } from './identities.ts';
import { createSecretsManagerServer, SecretsManager } from './secrets-manager.ts';

export interface Endpoints {
  dynamodb: string;
  sqs: string;
  s3: string;
  secretsmanager: string;
}

export interface Emulators {
  endpoints: Endpoints;
  secretsManager: SecretsManager;
  close(): Promise<void>;
}

export async function startEmulators(): Promise<Emulators> {
  const secretsManager = new SecretsManager();
  const [dynamodb, secretsmanager, queuesAndBuckets] = await Promise.all([
    startServer(createDynamoDb()),
    startServer(createSecretsManagerServer(secretsManager)),
    startQueuesAndBuckets(),
  ]);
  const { url: sqs, url: s3 } = queuesAndBuckets;
  return {
    endpoints: { dynamodb: dynamodb.url, sqs, s3, secretsmanager: secretsmanager.url },
    secretsManager,
    close: async () => {
      await Promise.all([dynamodb, secretsmanager, queuesAndBuckets].map((server) => server.close()));
    },
  };
}

interface RunningServer {
  url: string;
  close(): Promise<void>;
}

async function startServer(server: Server): Promise<RunningServer> {
  return { url: await listenLocally(server), close: () => closeServer(server) };
}

function createDynamoDb(): Server {
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  // dynalite throws out of the process when a client hangs up in the middle of a request, as a killed worker does.
  server.prependListener('request', (request) => {
    const on = request.on.bind(request) as typeof request.addListener;
    request.on = (event: string, listener: Parameters<typeof on>[1]) =>
      on(event, event === 'error' ? () => undefined : listener);
  });
  return server;
}

const NAMES_A_QUEUE_URL = new Set(['AmazonSQS.CreateQueue', 'AmazonSQS.GetQueueUrl', 'AmazonSQS.ListQueues']);
const DELAY_MAX_SECONDS = 900;
/** S3 takes 5 GB at once; this much fits into memory. */
const OBJECT_MAX_BYTES = 512 * 1024 * 1024;

async function startQueuesAndBuckets(): Promise<RunningServer> {
  const app = buildApp({ logger: false, host: '127.0.0.1', defaultRegion: REGION });
  // fauxqs puts the region before the host, which then is a name that nobody can resolve.
  app.addHook('onSend', async (request, _reply, payload) =>
    NAMES_A_QUEUE_URL.has(String(request.headers['x-amz-target'])) && typeof payload === 'string'
      ? payload.replaceAll(/http:\/\/sqs\.[a-z0-9-]+\.127\.0\.0\.1:/g, 'http://127.0.0.1:')
      : payload,
  );
  // fauxqs takes no object of more than 11 MiB.
  app.removeContentTypeParser('*');
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: OBJECT_MAX_BYTES }, (_request, body, done) =>
    done(null, body),
  );
  // fauxqs takes any delay; SQS does not.
  app.addHook('preHandler', async ({ body }, reply) => {
    const tooLong = delaysOf(body).find((delay) => delay > DELAY_MAX_SECONDS);
    if (tooLong === undefined) return;
    const message = `Value ${tooLong} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.`;
    return reply.code(400).send({ __type: 'com.amazonaws.sqs#InvalidParameterValue', message });
  });
  return {
    url: await app.listen({ port: 0, host: '127.0.0.1' }),
    close: async () => void (await app.close()),
  };
}

function delaysOf(body: unknown): number[] {
  if (typeof body !== 'object' || body === null) return [];
  const { DelaySeconds = 0, Entries = [] } = body as {
    DelaySeconds?: number;
    Entries?: { DelaySeconds?: number }[];
  };
  return [DelaySeconds, ...Entries.map((entry) => entry.DelaySeconds ?? 0)];
}
