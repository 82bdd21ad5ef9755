import { buildApp } from 'fauxqs';
import { absenceRefusal, type Sessions } from './aws/authority.ts';
import { type Call, queueOrObject, readCall } from './aws/call.ts';
import type { Emulator } from './aws/front.ts';
import { errorDocument } from './aws/refusal.ts';
import { objectRefusal } from './aws/s3-rules.ts';
import { deadLettersOf, noDeadLetters, sqsRefusal } from './aws/sqs-rules.ts';
import { REGION } from './identities.ts';

/** What fauxqs does not export; it may be anywhere above this file. */
const ofFauxqs = (path: string) => import(new URL(path, import.meta.resolve('fauxqs')).href);
const { S3Store }: typeof import('../../../node_modules/fauxqs/dist/s3/s3Store.js') =
  await ofFauxqs('s3/s3Store.js');
const { INVALID_MESSAGE_BODY_CHAR }: typeof import('../../../node_modules/fauxqs/dist/sqs/sqsTypes.js') =
  await ofFauxqs('sqs/sqsTypes.js');

const NAMES_A_QUEUE_URL = new Set(['AmazonSQS.CreateQueue', 'AmazonSQS.GetQueueUrl', 'AmazonSQS.ListQueues']);
/** S3 takes 5 GB at once; this much fits into memory. */
const OBJECT_MAX_BYTES = 512 * 1024 * 1024;

/** fauxqs refuses all beyond U+FFFF, such as an emoji, which SQS takes. */
const NOT_OF_XML = /[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;
Object.assign(INVALID_MESSAGE_BODY_CHAR, { test: (text: string) => NOT_OF_XML.test(text) });

type App = ReturnType<typeof buildApp>;

/** fauxqs, which plays SQS and S3 at one address. */
export async function createQueuesAndBuckets(
  sessions: Sessions,
): Promise<{ emulator: Emulator; close(): Promise<void> }> {
  const s3Store = new S3Store();
  // The other stores are made if they are not given, whatever their type says.
  const stores = { s3Store } as NonNullable<Parameters<typeof buildApp>[0]>['stores'];
  const app = buildApp({
    logger: false,
    host: '127.0.0.1',
    defaultRegion: REGION,
    ...(stores && { stores }),
  });
  // fauxqs puts the region before the host, which then is a name that nobody can resolve.
  app.addHook('onSend', async (request, _reply, payload) =>
    NAMES_A_QUEUE_URL.has(String(request.headers['x-amz-target'])) && typeof payload === 'string'
      ? payload.replaceAll(/http:\/\/sqs\.[a-z0-9-]+\.127\.0\.0\.1:/g, 'http://127.0.0.1:')
      : payload,
  );
  app.addHook('onSend', async (request, reply, payload) => {
    if (reply.statusCode !== 404) return payload;
    const refusal = absenceRefusal(readCall('s3', request.raw, ''), sessions);
    if (!refusal) return payload;
    reply.code(403).removeHeader('content-length');
    return errorDocument(refusal, request.id);
  });
  // fauxqs takes no object of more than 11 MiB.
  app.removeContentTypeParser('*');
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: OBJECT_MAX_BYTES }, (_request, body, done) =>
    done(null, body),
  );
  // The object is stored at once after this, so that nobody comes in between.
  app.addHook('preHandler', (request, reply, done) => {
    const { bucket = '', '*': key = '' } = request.params as Record<string, string>;
    const isThere = () =>
      s3Store.listObjects(bucket, { prefix: key }).objects.some((each) => each.key === key);
    const refusal = request.method === 'PUT' && objectRefusal(request.headers, request.body, isThere);
    if (!refusal) return done();
    const { status = 400 } = refusal;
    reply.code(status).type('application/xml').send(errorDocument(refusal, request.id));
  });
  await app.ready();
  return {
    emulator: {
      serviceOf: queueOrObject,
      refuse: async (call) =>
        call.service === 'sqs' ? (sqsRefusal(call) ?? (await redriveRefusal(app, call))) : undefined,
      server: app.server,
    },
    close: async () => void (await app.close()),
  };
}

/** SQS looks whether the queue for dead letters is there; fauxqs takes any name. */
async function redriveRefusal(app: App, call: Call) {
  const { arn, refusal } = deadLettersOf(call);
  if (arn === undefined) return refusal;
  const { statusCode } = await app.inject(`/_fauxqs/queues/${arn.replace(/^.*:/, '')}`);
  return statusCode === 404 ? noDeadLetters(arn) : undefined;
}
