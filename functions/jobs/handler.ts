import { admit } from '../admit/admit.ts';
import { lambdaHttp } from '../edge/lambda-http.ts';
import { clock } from '../edge/nature.ts';
import { apiUrl } from '../edge/settings.ts';
import { clientKeys, jobsAndDocuments } from '../edge/world.ts';
import { read } from './read.ts';

const world = { ...jobsAndDocuments(), clientKeys: clientKeys(), clock, settings: { apiUrl: apiUrl() } };

export const handler = lambdaHttp(async (request) => {
  const admitted = await admit(request, world);
  return 'status' in admitted ? admitted : read(request, admitted, world);
});
