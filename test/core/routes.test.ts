import { describe, expect, it } from 'vitest';
import { matchRoute } from '../../functions/core/http/routes.ts';

const ID = 'job_0123456789abcdefghjkmnpqrs';
const notFound = { kind: 'not_found' };
const notAllowed = (allow: string) => ({ kind: 'method_not_allowed', allow });
const route = (operation: string, scope: string | null, jobId = '') => ({
  kind: 'route',
  operation,
  scope,
  jobId,
});

describe('matchRoute', () => {
  it.each<[method: string, path: string, match: object]>([
    ['POST', '/v1/jobs', route('submit', 'jobs:write')],
    ['GET', `/v1/jobs/${ID}`, route('job', 'jobs:read', ID)],
    ['GET', `/v1/jobs/${ID}/results`, route('results', 'jobs:read', ID)],
    ['GET', '/v1/health', route('health', null)],
    ['GET', `/v1/jobs/${'a'.repeat(128)}`, route('job', 'jobs:read', 'a'.repeat(128))],
    ['GET', '/v1/jobs/Any-id_1', route('job', 'jobs:read', 'Any-id_1')],

    ['GET', '/v1/jobs', route('list', 'jobs:read')],
    ['POST', `/v1/jobs/${ID}/cancel`, route('cancel', 'jobs:write', ID)],
    ['GET', `/v1/jobs/${ID}/deliveries`, route('deliveries', 'jobs:read', ID)],
    ['POST', `/v1/jobs/${ID}/redeliver`, route('redeliver', 'jobs:write', ID)],
    ['GET', '/v1/openapi.json', route('openapi', null)],

    ['HEAD', '/v1/jobs', route('list', 'jobs:read')],
    ['HEAD', `/v1/jobs/${ID}`, route('job', 'jobs:read', ID)],
    ['HEAD', `/v1/jobs/${ID}/results`, route('results', 'jobs:read', ID)],
    ['HEAD', `/v1/jobs/${ID}/deliveries`, route('deliveries', 'jobs:read', ID)],
    ['HEAD', '/v1/health', route('health', null)],
    ['HEAD', '/v1/openapi.json', route('openapi', null)],
    ['HEAD', `/v1/jobs/${ID}/cancel`, notAllowed('POST')],
    ['HEAD', '/v1/nowhere', notFound],

    ['PUT', '/v1/jobs', notAllowed('POST, GET, HEAD')],
    ['post', '/v1/jobs', notAllowed('POST, GET, HEAD')],
    ['head', '/v1/jobs', notAllowed('POST, GET, HEAD')],
    ['GET', `/v1/jobs/${ID}/cancel`, notAllowed('POST')],
    ['POST', `/v1/jobs/${ID}/deliveries`, notAllowed('GET, HEAD')],
    ['DELETE', `/v1/jobs/${ID}`, route('delete', 'jobs:write', ID)],
    ['POST', '/v1/redeliveries', route('redeliveries', 'jobs:write')],
    ['PUT', `/v1/jobs/${ID}`, notAllowed('GET, HEAD, DELETE')],
    ['GET', '/v1/redeliveries', notAllowed('POST')],
    ['POST', `/v1/jobs/${ID}/results`, notAllowed('GET, HEAD')],
    ['POST', '/v1/health', notAllowed('GET, HEAD')],
    ['OPTIONS', '/v1/health', notAllowed('GET, HEAD')],

    ['GET', '', notFound],
    ['GET', '/', notFound],
    ['GET', '/v1', notFound],
    ['GET', '/v2/jobs', notFound],
    ['POST', '/v1/jobs/', notFound],
    ['POST', '//v1/jobs', notFound],
    ['POST', '/v1//jobs', notFound],
    ['POST', '/V1/jobs', notFound],
    ['POST', '/v1/JOBS', notFound],
    ['POST', '/v1/%6aobs', notFound],
    ['GET', `/v1/jobs/${ID}/`, notFound],
    ['GET', `/v1/jobs/${ID}/results/`, notFound],
    ['GET', `/v1/jobs/${ID}/nonsense`, notFound],
    ['GET', '/v1/jobs//results', notFound],
    ['GET', '/v1/jobs/..', notFound],
    ['GET', '/v1/jobs/..%2f..%2fadmin', notFound],
    ['GET', '/v1/jobs/%27%20OR%201=1--', notFound],
    ['GET', '/v1/jobs/jöb', notFound],
    ['GET', '/v1/jobs/a\n', notFound],
    ['GET', `/v1/jobs/${'a'.repeat(129)}`, notFound],
    ['GET', '/v1/healthz', notFound],
    ['GET', '/constructor', notFound],
    ['GET', '/__proto__/x', notFound],
  ])('finds the route, or says what is wrong, for %s %s', (method, path, match) => {
    expect(matchRoute(method, path)).toEqual(match);
  });
});
