import { lambdaHttp } from '../edge/lambda-http.ts';
import { retentionDays, webhookRules } from '../edge/settings.ts';
import { sleep } from '../edge/system.ts';
import { clientJobs, clientKeys, finishWorld, pacer, uploads } from '../edge/world.ts';
import { authorize } from '../http/authorize.ts';
import { answer } from './jobs.ts';

const finish = finishWorld();
const settings = { ...finish.settings, webhookRules: webhookRules(), retentionDays: retentionDays() };
const ports = {
  clientKeys: clientKeys(),
  clientJobs: clientJobs(),
  pacer: pacer(),
  uploads: uploads(),
  // Few ask for it, and it would be a tenth of the bundle.
  openApi: () => import('./openapi.json', { with: { type: 'json' } }),
  sleep,
};
const world = { ...finish, ...ports, settings };

export const handler = lambdaHttp(async (request) => {
  const authorized = await authorize(request, world);
  return 'status' in authorized ? authorized : answer(request, authorized, world);
});
