import { POLL_DEADLINE_MILLIS, REPORT_MAX_BYTES, SWEEP_MILLIS } from '../../../functions/core/limits.ts';
import { createClientKeys } from '../../../functions/edge/client-keys.ts';
import { createBucket } from '../../../functions/edge/document-bucket.ts';
import { createDocuments } from '../../../functions/edge/documents.ts';
import { createDurationStats } from '../../../functions/edge/duration-stats.ts';
import { createJobs, createOverdue } from '../../../functions/edge/jobs-table.ts';
import { createModelStudio } from '../../../functions/edge/modelstudio.ts';
import { createWakeUps } from '../../../functions/edge/wake-ups.ts';
import { createWebhooks } from '../../../functions/edge/webhooks.ts';
import type { Log, World } from '../../../functions/ports.ts';
import type { Environment } from './environment.ts';
import type { Services } from './services.ts';

const RETENTION_DAYS = 30;
/** As the poller's wiring has it. */
const POLLER_LINGER_MILLIS = 20;

/** As functions/edge/secrets.ts has them. */
const API_KEY_CACHE_SECONDS = 900;
const SIGNING_SECRETS_CACHE_SECONDS = 300;

const SIGNING_SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;

const RETRY_SECONDS = [5, 300, 1800, 7200, 18_000, 36_000, 36_000];

const settings = {
  apiUrl: 'https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com',
  webhookRules: { ports: [], ownHost: 'a1b2c3d4e5.execute-api.us-east-1.amazonaws.com', loopback: false },
  defaultWebhookUrl: null,
  isCollector: false,
  reportLimits: { deadlineMillis: POLL_DEADLINE_MILLIS, maxBytes: REPORT_MAX_BYTES.poll },
  sweepMillis: SWEEP_MILLIS,
};

export type FlowWorld = Omit<World, 'clientJobs'> & {
  settings: typeof settings & { webhookSchedule: number[] };
};

/** The world of one environment, made of the edge's own code as the handlers make it. */
export function worldOf(
  services: Services,
  environment: Environment,
  log: Log,
  isPoller: boolean,
): FlowWorld {
  const { dynamodb, sqs, s3, exchange } = environment;
  const { random, time } = services;
  const { deliveryWaitSeconds = 0 } = services.options;
  const clock = { now: () => time.now };
  const apiKey = environment.secret('ms_0123456789abcdef0123456789abcdef', 1, API_KEY_CACHE_SECONDS);
  const queueUrls = { poll: 'poll', collect: null, deliver: 'deliver' };
  return {
    jobs: createJobs(dynamodb, 'jobs', RETENTION_DAYS, clock),
    overdue: createOverdue(dynamodb, 'jobs'),
    documents: createDocuments({
      dynamodb,
      tableName: 'documents',
      bucket: async () => createBucket('documents', s3),
      retentionDays: RETENTION_DAYS,
      clock,
    }),
    wakeUps: createWakeUps(sqs, queueUrls, isPoller ? POLLER_LINGER_MILLIS : 0),
    modelStudio: createModelStudio({
      baseUrl: 'https://api.modelstudio.app',
      organizationId: 'org_0123456789',
      apiKey: { get: apiKey },
      clock,
      exchange,
    }),
    durationStats: createDurationStats({
      client: dynamodb,
      tableName: 'durationStats',
      clock,
      lagPerPollSeconds: services.options.lagPerPoll,
      onError: () => undefined,
    }),
    clientKeys: createClientKeys(dynamodb, 'clientKeys', clock),
    webhooks: createWebhooks({
      rules: settings.webhookRules,
      signingSecrets: environment.secret([SIGNING_SECRET], 2, SIGNING_SECRETS_CACHE_SECONDS),
      clock,
      exchange,
    }),
    clock,
    random: { bytes: () => random.bytes(16), fraction: () => random.fraction() },
    log,
    settings: { ...settings, webhookSchedule: [deliveryWaitSeconds, ...RETRY_SECONDS] },
  };
}
