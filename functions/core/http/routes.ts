import type { Scope } from './client-key.ts';

const TABLE = [
  { operation: 'submit', method: 'POST', path: ['v1', 'jobs'], scope: 'jobs:write' },
  { operation: 'list', method: 'GET', path: ['v1', 'jobs'], scope: 'jobs:read' },
  { operation: 'job', method: 'GET', path: ['v1', 'jobs', '*'], scope: 'jobs:read' },
  { operation: 'delete', method: 'DELETE', path: ['v1', 'jobs', '*'], scope: 'jobs:write' },
  { operation: 'results', method: 'GET', path: ['v1', 'jobs', '*', 'results'], scope: 'jobs:read' },
  { operation: 'cancel', method: 'POST', path: ['v1', 'jobs', '*', 'cancel'], scope: 'jobs:write' },
  { operation: 'deliveries', method: 'GET', path: ['v1', 'jobs', '*', 'deliveries'], scope: 'jobs:read' },
  { operation: 'redeliver', method: 'POST', path: ['v1', 'jobs', '*', 'redeliver'], scope: 'jobs:write' },
  { operation: 'redeliveries', method: 'POST', path: ['v1', 'redeliveries'], scope: 'jobs:write' },
  { operation: 'upload', method: 'POST', path: ['v1', 'uploads'], scope: 'jobs:write' },
  { operation: 'deleteUpload', method: 'DELETE', path: ['v1', 'uploads', '*'], scope: 'jobs:write' },
  { operation: 'openapi', method: 'GET', path: ['v1', 'openapi.json'], scope: null },
  { operation: 'health', method: 'GET', path: ['v1', 'health'], scope: null },
] as const satisfies readonly {
  operation: string;
  method: string;
  /** Segments; `*` stands for the id of a job or an upload. */
  path: readonly string[];
  /** Null: open to everyone. */
  scope: Scope | null;
}[];

export type Operation = (typeof TABLE)[number]['operation'];
export type Route = { operation: Operation; method: string; path: readonly string[]; scope: Scope | null };
export const ROUTES: readonly Route[] = TABLE;

const JOB_ID = /^[A-Za-z0-9_-]{1,128}$/;

export type Match =
  | { kind: 'route'; operation: Operation; scope: Scope | null; jobId: string }
  | { kind: 'method_not_allowed'; allow: string }
  | { kind: 'not_found' };

/** Finds the operation for a request. Paths must match exactly: no trailing slash, no other case. */
export function matchRoute(method: string, path: string): Match {
  const segments = path.split('/').slice(1);
  const samePath = ROUTES.filter((route) => matches(route.path, segments));
  // A caller that may GET a resource may ask for its headers alone.
  const route = samePath.find((candidate) => candidate.method === (method === 'HEAD' ? 'GET' : method));
  if (route) {
    const jobId = segments[route.path.indexOf('*')] ?? '';
    return { kind: 'route', operation: route.operation, scope: route.scope, jobId };
  }
  if (samePath.length === 0) return { kind: 'not_found' };
  const allowed = samePath.flatMap((each) => (each.method === 'GET' ? ['GET', 'HEAD'] : each.method));
  return { kind: 'method_not_allowed', allow: allowed.join(', ') };
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  const fits = (segment: string, i: number) =>
    pattern[i] === '*' ? JOB_ID.test(segment) : pattern[i] === segment;
  return pattern.length === segments.length && segments.every(fits);
}
