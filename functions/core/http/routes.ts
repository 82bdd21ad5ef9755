import type { Scope } from './client-key.ts';

const ID = '([A-Za-z0-9_-]{1,128})';

/** In a path, `*` stands for the id of a job or an upload. Without a scope, the route is open to everyone. */
function route<Name extends string>(operation: Name, method: string, path: string, scope: Scope | null) {
  const pattern = new RegExp(`^${path.replace('.', '\\.').replace('*', ID)}$`);
  return { operation, method, path, scope, pattern };
}

export const ROUTES = [
  route('submit', 'POST', '/v1/jobs', 'jobs:write'),
  route('list', 'GET', '/v1/jobs', 'jobs:read'),
  route('job', 'GET', '/v1/jobs/*', 'jobs:read'),
  route('delete', 'DELETE', '/v1/jobs/*', 'jobs:write'),
  route('results', 'GET', '/v1/jobs/*/results', 'jobs:read'),
  route('cancel', 'POST', '/v1/jobs/*/cancel', 'jobs:write'),
  route('deliveries', 'GET', '/v1/jobs/*/deliveries', 'jobs:read'),
  route('redeliver', 'POST', '/v1/jobs/*/redeliver', 'jobs:write'),
  route('redeliveries', 'POST', '/v1/redeliveries', 'jobs:write'),
  route('upload', 'POST', '/v1/uploads', 'jobs:write'),
  route('deleteUpload', 'DELETE', '/v1/uploads/*', 'jobs:write'),
  route('openapi', 'GET', '/v1/openapi.json', null),
  route('health', 'GET', '/v1/health', null),
];

export type Route = (typeof ROUTES)[number];
export type Operation = Route['operation'];

export type Match =
  | { kind: 'route'; operation: Operation; scope: Scope | null; jobId: string }
  | { kind: 'method_not_allowed'; allow: string }
  | { kind: 'not_found' };

/** Finds the operation for a request. Paths must match exactly: no trailing slash, no other case. */
export function matchRoute(method: string, path: string): Match {
  const samePath = ROUTES.filter(({ pattern }) => pattern.test(path));
  // A caller that may GET a resource may ask for its headers alone.
  const route = samePath.find((candidate) => candidate.method === (method === 'HEAD' ? 'GET' : method));
  if (route) {
    const [, jobId = ''] = route.pattern.exec(path) ?? [];
    return { kind: 'route', operation: route.operation, scope: route.scope, jobId };
  }
  if (samePath.length === 0) return { kind: 'not_found' };
  const allowed = samePath.flatMap((each) => (each.method === 'GET' ? ['GET', 'HEAD'] : each.method));
  return { kind: 'method_not_allowed', allow: allowed.join(', ') };
}
