import * as limits from '../../functions/core/limits.ts';
import { createModelStudio } from '../../functions/edge/modelstudio.ts';
import { createApiKey, createSigningSecrets } from '../../functions/edge/secrets.ts';
import { createWebhooks } from '../../functions/edge/webhooks.ts';
import type { World } from '../../functions/ports.ts';
import type { Clients } from '../../test/cloud/clients.ts';
import type { Cloud } from '../../test/cloud/cloud.ts';
import type { HandledWorld } from '../../test/cloud/handlers.ts';
import { portsOver } from '../../test/cloud/ports.ts';
import type { Environment } from './environment.ts';
import type { Ledger } from './ledger.ts';
import type { SimulatedModelStudio } from './modelstudio.ts';
import type { Receivers } from './receivers.ts';
import type { Simulation } from './simulation.ts';

/** Shorter than the deployed one, so that runs end; with no wait at all, and one that takes hops. */
export const WEBHOOK_SCHEDULE = [0, 0, 5, 60, 300, 2000];
export const MODELSTUDIO_SECRET = 'modelstudio';
export const WEBHOOK_SECRET = 'webhook';

const POLLER_LIMITS = { deadlineMillis: limits.POLL_DEADLINE_MILLIS, maxBytes: limits.REPORT_MAX_BYTES.poll };
const COLLECTOR_LIMITS = {
  deadlineMillis: limits.COLLECT_DEADLINE_MILLIS,
  maxBytes: limits.REPORT_MAX_BYTES.collect,
};
/** As poll/wiring.ts has it. */
const POLLER_LINGER_MILLIS = 20;

const SETTINGS = {
  apiUrl: 'https://api.example.com',
  webhookSchedule: WEBHOOK_SCHEDULE,
  retentionDays: 30,
  webhookRules: { ports: [], ownHost: 'api.example.com', loopback: false },
  defaultWebhookUrl: null,
  sweepMillis: limits.SWEEP_MILLIS,
};

/** What an environment meets. */
interface Surroundings {
  readonly cloud: Cloud;
  readonly ledger: Ledger;
  readonly modelStudio: SimulatedModelStudio;
  readonly receivers: Receivers;
  logOf(environment: Environment): World['log'];
}

/** The world of one environment, made of the edge's own code as the handlers make it. */
export function worldIn(
  environment: Environment,
  clients: Clients,
  system: Surroundings,
  sim: Simulation,
): HandledWorld {
  const { clock, name } = environment;
  const random = sim.chanceOf(name);
  const isCollector = name === 'collect';
  const lingerMillis = name === 'poll' || isCollector ? POLLER_LINGER_MILLIS : 0;
  const ports = portsOver(system.cloud, clients, {
    clock,
    retentionDays: SETTINGS.retentionDays,
    lingerMillis,
  });
  const { forecast } = ports.durationStats;
  return {
    ...ports,
    durationStats: {
      ...ports.durationStats,
      forecast: async (bucket) => {
        const known = await forecast(bucket);
        system.ledger.wentBy(bucket, known);
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
    webhooks: createWebhooks({
      rules: SETTINGS.webhookRules,
      signingSecrets: createSigningSecrets(WEBHOOK_SECRET, clients.secrets),
      clock,
      exchange: (request) =>
        environment.exchange(request, () => system.receivers.answer(request, environment)),
    }),
    clock,
    random: { bytes: () => random.bytes(16), fraction: () => random.fraction() },
    log: system.logOf(environment),
    openApi: {},
    settings: { ...SETTINGS, isCollector, reportLimits: isCollector ? COLLECTOR_LIMITS : POLLER_LIMITS },
  };
}
