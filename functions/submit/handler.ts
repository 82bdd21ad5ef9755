import { lambdaHttp } from '../edge/lambda-http.ts';
import { destinations, number, optional, partLimits, required, webhookRules } from '../edge/settings.ts';
import { sleep } from '../edge/system.ts';
import { clientKeys, durationStats, finishWorld, places, queue, uploads } from '../edge/world.ts';
import { modelStudio } from '../edge/world-modelstudio.ts';
import { authorize } from '../http/authorize.ts';
import { submit } from './submit.ts';

const finish = finishWorld();
const world = {
  ...finish,
  clientKeys: clientKeys(),
  durationStats: durationStats(),
  modelStudio: modelStudio(),
  queue: queue(),
  places: places(),
  uploads: uploads(),
  sleep,
  settings: {
    ...finish.settings,
    webhookRules: webhookRules(),
    defaultWebhookUrl: optional('DEFAULT_WEBHOOK_URL'),
    destinations: destinations(),
    defaultDestination: optional('DEFAULT_DESTINATION'),
    queueForSeconds: number('QUEUE_FOR_SECONDS'),
    allowResubmit: required('ALLOW_RESUBMIT') === 'true',
    partLimits: partLimits(),
    forwardTracestate: required('FORWARD_TRACESTATE') === 'true',
  },
};

export const handler = lambdaHttp(async (request) => {
  const authorized = await authorize(request, world);
  return 'status' in authorized ? authorized : submit(request, authorized, world);
});
