import { keyInAuthorization } from '../core/http/client-key.ts';
import { problem } from '../core/http/problem.ts';
import type { Answer, Request } from '../core/http/request-answer.ts';
import { matchRoute, type Operation } from '../core/http/routes.ts';
import { sha256Hex } from '../core/ids.ts';
import { requestTraceId } from '../core/trace.ts';
import type { World } from '../ports.ts';

export interface Authorized {
  operation: Operation;
  jobId: string;
  client: string;
}

type AuthorizeWorld = Pick<World, 'clientKeys' | 'log'>;

/** Lets a request in or refuses it, in the contract's order: 401, then 404 and 405, then 403. */
export async function authorize(request: Request, world: AuthorizeWorld): Promise<Authorized | Answer> {
  const match = matchRoute(request.method, request.path);
  const isOpen = match.kind === 'route' && match.scope === null;
  if (isOpen) return { operation: match.operation, jobId: match.jobId, client: '' };

  const key = await authenticate(request, world);
  if (typeof key === 'string') {
    world.log.aggregate('authorize', { outcome: key, trace_id: requestTraceId(request) }, { KeysRefused: 1 });
    const headers = { 'www-authenticate': 'Bearer' };
    return problem('unauthenticated', request.requestId, { headers });
  }
  if (match.kind === 'not_found') return problem('not_found', request.requestId);
  if (match.kind === 'method_not_allowed')
    return problem('method_not_allowed', request.requestId, { headers: { allow: match.allow } });
  const hasScope = key.scopes.some((scope) => scope === match.scope);
  if (!hasScope) return problem('insufficient_scope', request.requestId);
  return { operation: match.operation, jobId: match.jobId, client: key.client };
}

async function authenticate(request: Request, world: AuthorizeWorld) {
  const key = keyInAuthorization(request.headers['authorization']);
  if (key === null) return 'no_key';
  const found = await world.clientKeys.find(sha256Hex(key));
  if (found === null) return 'unknown_key';
  return found.revokedAt === null ? found : 'revoked_key';
}
