import { DEFAULT_QUEUE_RULES, type QueueRules } from '../../functions/core/http/submission.ts';
import type { Job } from '../../functions/core/job.ts';
import * as limits from '../../functions/core/limits.ts';
import { withDestinations } from '../../functions/edge/destinations.ts';
import { createModelStudio } from '../../functions/edge/modelstudio.ts';
import { createSendTo } from '../../functions/edge/queues-and-buses.ts';
import { createApiKey, createRootSecrets } from '../../functions/edge/secrets.ts';
import type { Batch } from '../../functions/edge/wake-ups.ts';
import { createCredentials } from '../../functions/edge/webhook-credentials.ts';
import { createWebhooks } from '../../functions/edge/webhooks.ts';
import type { World } from '../../functions/ports.ts';
import type { Clients } from '../../test/cloud/clients.ts';
import type { Cloud } from '../../test/cloud/cloud.ts';
import type { HandledWorld } from '../../test/cloud/handlers.ts';
import { portsOver } from '../../test/cloud/ports.ts';
import { DESTINATIONS } from './destinations.ts';
import type { Environment } from './environment.ts';
import type { Lanes } from './lanes.ts';
import type { Ledger } from './ledger.ts';
import type { Lessons } from './lessons.ts';
import type { SimulatedModelStudio } from './modelstudio.ts';
import { destinationClients } from './queues-and-buses.ts';
import type { Receivers } from './receivers.ts';
import type { Simulation } from './simulation.ts';

export const MODELSTUDIO_SECRET = 'modelstudio';
export const WEBHOOK_SECRET = 'webhook';

/** How old what is known of the past may be when it is gone by. */
const DURATIONS_MAX_AGE_MILLIS = 60_000;
const BACKPRESSURE_MAX_AGE_MILLIS = 15_000;

export const PARTS_AT_ONCE = 3;

const SETTINGS = {
  apiUrl: 'https://api.example.com',
  webhookRules: { ports: [], ownHost: 'api.example.com', loopback: false },
  queueForSeconds: 0,
  allowResubmit: false,
  partLimits: DEFAULT_QUEUE_RULES.partLimits,
  forwardTracestate: true,
  destinations: DESTINATIONS,
  defaultDestination: null,
};

/** What an environment meets. */
interface Surroundings {
  readonly cloud: Cloud;
  readonly ledger: Pick<Ledger, 'wentBy'>;
  readonly modelStudio: Pick<SimulatedModelStudio, 'answer'>;
  readonly receivers: Receivers;
  /** Without it, nobody asks who is held back. */
  readonly lanes?: Lanes;
  /** Without them, nobody asks who teaches. */
  readonly lessons?: Lessons;
  /** Without them, no job may wait. */
  readonly settings?: Omit<QueueRules, 'partLimits'> &
    Partial<Pick<QueueRules, 'partLimits'>> & { jobsAtOnce: number | null };
  logOf(environment: Environment): World['log'];
  /** Only the system that has destinations needs it. */
  readonly rows?: { get(jobId: string): Job | undefined };
}

/** The world of one environment, made of the edge's own code as the handlers make it. */
export function worldIn(
  environment: Environment,
  clients: Clients,
  system: Surroundings,
  sim: Simulation,
  batch: Batch | undefined,
): HandledWorld {
  const { clock, name } = environment;
  const random = sim.chanceOf(name);
  const isCollector = name === 'collect';
  const ports = portsOver(system.cloud, clients, {
    clock,
    retentionDays: sim.scene.retentionDays,
    ...(batch && { batch }),
    jobsAtOnce: system.settings?.jobsAtOnce ?? null,
    random: sim.chanceOf(`ports of ${name}`),
    patience: () => {
      const ending = new AbortController();
      sim.time.after(limits.DURATIONS_CALL_MILLIS, () => ending.abort());
      return ending.signal;
    },
    lanes: {
      log: system.logOf(environment),
      after: (millis, act) => {
        let isRevoked = false;
        sim.time.after(millis, () => isRevoked || !environment.isAlive || act());
        return () => {
          isRevoked = true;
        };
      },
    },
  });
  const durationStats = system.lessons?.watched(ports.durationStats) ?? ports.durationStats;
  const lanes = system.lanes?.watched(ports.lanes, environment) ?? ports.lanes;
  return {
    ...ports,
    lanes,
    durationStats: {
      ...durationStats,
      forecast: async (bucket) => {
        const known = await durationStats.forecast(bucket);
        system.ledger.wentBy(bucket, known);
        if (environment.invocationOrNull) environment.invocationOrNull.forecast = known;
        environment.mustHaveAsked(`durationStats ${bucket}`, DURATIONS_MAX_AGE_MILLIS);
        environment.mustHaveAsked('durationStats backpressure', BACKPRESSURE_MAX_AGE_MILLIS);
        return known;
      },
    },
    modelStudio: createModelStudio({
      baseUrl: 'http://modelstudio',
      organizationId: 'org_1',
      apiKey: createApiKey(MODELSTUDIO_SECRET, clients.secrets),
      clock,
      exchange: (request) => {
        const { reportedOn } = environment.invocation;
        return environment.exchange(request, () =>
          system.modelStudio.answer(request, (id) => reportedOn.add(id)),
        );
      },
    }),
    webhooks: webhooksIn(environment, clients, system, sim, lanes),
    clock,
    random: { bytes: () => random.bytes(16), fraction: () => random.fraction() },
    sleep: (millis) => new Promise((resolve) => sim.time.after(millis, resolve)),
    log: system.logOf(environment),
    openApi: async () => ({ default: {} }),
    partsAtOnce: PARTS_AT_ONCE,
    settings: {
      ...SETTINGS,
      ...sim.scene,
      ...system.settings,
      isCollector,
      reportLimits: limits.REPORT_LIMITS[isCollector ? 'collect' : 'poll'],
    },
  };
}

function webhooksIn(
  environment: Environment,
  clients: Clients,
  system: Surroundings,
  sim: Simulation,
  lanes: World['lanes'],
): World['webhooks'] {
  const { clock } = environment;
  const rootSecrets = createRootSecrets(WEBHOOK_SECRET, clients.secrets);
  const names = { clientKeysTable: 'clientKeys', stackName: 'ModelStudioJobs' };
  const credentialsOf = createCredentials(rootSecrets, clients.secrets, clients.dynamodb, names);
  const urls = createWebhooks({
    rules: SETTINGS.webhookRules,
    credentialsOf,
    clock,
    lanes,
    exchange: (request) => environment.exchange(request, () => system.receivers.answer(request, environment)),
  });
  const roundOf = (jobId: string) => system.rows?.get(jobId)?.webhook?.redelivered?.rounds ?? 0;
  const toDestinations = destinationClients(environment, system.receivers, {
    roundOf,
    judge: (verdict) => sim.judge(verdict),
  });
  return withDestinations(urls, DESTINATIONS, async () => createSendTo(credentialsOf, clock, toDestinations));
}
