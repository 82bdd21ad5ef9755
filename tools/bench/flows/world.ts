import { DEFAULT_QUEUE_RULES } from '../../../functions/core/http/submission.ts';
import { REPORT_LIMITS } from '../../../functions/core/limits.ts';
import type { Log } from '../../../functions/core/log.ts';
import { createModelStudio } from '../../../functions/edge/modelstudio.ts';
import { createApiKey, createRootSecrets } from '../../../functions/edge/secrets.ts';
import type { Batch } from '../../../functions/edge/wake-ups.ts';
import { createCredentials } from '../../../functions/edge/webhook-credentials.ts';
import { createWebhooks } from '../../../functions/edge/webhooks.ts';
import type { HandledWorld } from '../../../test/cloud/handlers.ts';
import { portsOver, RETENTION_DAYS } from '../../../test/cloud/ports.ts';
import type { Environment } from './environment.ts';
import type { Surroundings } from './surroundings.ts';

export const SECRETS = {
  modelStudio: { AWSCURRENT: 'ms_0123456789abcdef0123456789abcdef' },
  webhook: { AWSCURRENT: `whsec_${Buffer.alloc(32, 1).toString('base64')}` },
};

const RETRY_SECONDS = [5, 300, 1800, 7200, 18_000, 36_000, 36_000];

const SETTINGS = {
  apiUrl: 'https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com',
  webhookRules: { ports: [], ownHost: 'a1b2c3d4e5.execute-api.us-east-1.amazonaws.com', loopback: false },
  defaultWebhookUrl: null,
  forwardTracestate: false,
  destinations: [],
  defaultDestination: null,
  isCollector: false,
  reportLimits: REPORT_LIMITS.poll,
  retentionDays: RETENTION_DAYS,
};

/** The world of one environment, made of the edge's own code as the handlers make it. */
export function worldOf(
  { cloud, random, time, options }: Surroundings,
  environment: Environment,
  log: Log,
  batch: Batch | undefined,
): HandledWorld {
  const { deliveryWaitSeconds = 0, lagPerPoll } = options;
  const { clients, exchange } = environment;
  const clock = { now: () => time.now };
  const ports = portsOver(cloud, clients, {
    clock,
    random: { fraction: () => random.fraction() },
    lagPerPollSeconds: lagPerPoll,
    ...(batch && { batch }),
  });
  return {
    ...ports,
    modelStudio: createModelStudio({
      baseUrl: 'https://api.modelstudio.app',
      organizationId: 'org_0123456789',
      apiKey: createApiKey('modelStudio', clients.secrets),
      clock,
      exchange,
    }),
    webhooks: createWebhooks({
      rules: SETTINGS.webhookRules,
      credentialsOf: createCredentials(
        createRootSecrets('webhook', clients.secrets),
        clients.secrets,
        clients.dynamodb,
        {
          clientKeysTable: 'clientKeys',
          stackName: 'ModelStudioJobs',
        },
      ),
      clock,
      lanes: ports.lanes,
      exchange,
    }),
    clock,
    random: { bytes: () => random.bytes(16), fraction: () => random.fraction() },
    log,
    openApi: async () => ({ default: {} }),
    partsAtOnce: 10,
    sleep: (millis) => new Promise((resolve) => time.after(millis, resolve)),
    settings: {
      ...SETTINGS,
      ...DEFAULT_QUEUE_RULES,
      webhookSchedule: [deliveryWaitSeconds, ...RETRY_SECONDS],
    },
  };
}
