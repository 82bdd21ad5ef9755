import { optional } from '../edge/environment.ts';
import { lambdaHttp } from '../edge/lambda-http.ts';
import { webhookRules } from '../edge/settings.ts';
import { modelStudio } from '../edge/upstream.ts';
import { clientKeys, experience, finishWorld } from '../edge/world.ts';
import { admit } from '../http/authorize.ts';
import { submit } from './submit.ts';

const finish = finishWorld();
const world = {
  ...finish,
  clientKeys: clientKeys(),
  experience: experience(),
  modelStudio: modelStudio(),
  settings: {
    ...finish.settings,
    webhookRules: webhookRules(),
    defaultWebhookUrl: optional('DEFAULT_WEBHOOK_URL'),
  },
};

export const handler = lambdaHttp(async (request) => {
  const admitted = await admit(request, world);
  return 'status' in admitted ? admitted : submit(request, admitted, world);
});
