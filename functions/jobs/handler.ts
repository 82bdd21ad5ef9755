import openApi from '../../openapi/openapi.json' with { type: 'json' };
import { admit } from '../admit/admit.ts';
import { lambdaHttp } from '../edge/lambda-http.ts';
import { retentionDays, webhookRules } from '../edge/settings.ts';
import { clientJobs, clientKeys, finishWorld } from '../edge/world.ts';
import { answer } from './jobs.ts';

const finish = finishWorld();
const settings = { ...finish.settings, webhookRules: webhookRules(), retentionDays: retentionDays() };
const world = { ...finish, clientKeys: clientKeys(), clientJobs: clientJobs(), openApi, settings };

export const handler = lambdaHttp(async (request) => {
  const admitted = await admit(request, world);
  return 'status' in admitted ? admitted : answer(request, admitted, world);
});
