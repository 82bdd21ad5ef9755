import { describe, expect, it } from 'vitest';
import type { Scope } from '../../functions/core/http/client-key.ts';
import { type Operation, ROUTES } from '../../functions/core/http/routes.ts';
import { sha256Hex } from '../../functions/core/ids.ts';
import { authorize } from '../../functions/http/authorize.ts';
import { NOW } from '../cloud/jobs.ts';
import { fakeWorld } from '../cloud/world.ts';

const NEEDED: Record<Operation, Scope | null> = {
  submit: 'jobs:write',
  list: 'jobs:read',
  job: 'jobs:read',
  results: 'jobs:read',
  deliveries: 'jobs:read',
  cancel: 'jobs:write',
  redeliver: 'jobs:write',
  redeliveries: 'jobs:write',
  delete: 'jobs:write',
  upload: 'jobs:write',
  deleteUpload: 'jobs:write',
  health: null,
  openapi: null,
};

function keyWith(scopes: Scope[], revokedAt: number | null = null) {
  const keyId = `a${scopes.join('').replaceAll(/\W/g, '')}${revokedAt}`;
  const key = `msj_${keyId}_${'S'.repeat(43)}`;
  const record = { sha256: sha256Hex(key), keyId, client: 'acme', scopes, createdAt: NOW, revokedAt };
  return { key, record };
}

const KNOWN: Scope[][] = [
  [],
  ['jobs:read'],
  ['jobs:write'],
  ['jobs:read', 'jobs:write'],
  ['jobs:write', 'jobs:read'],
];
const revoked = keyWith(['jobs:read', 'jobs:write'], NOW);
const clientKeys = [revoked, ...KNOWN.map((scopes) => keyWith(scopes))].map(({ record }) => record);

const { key } = keyWith(['jobs:read', 'jobs:write']);
const UNKNOWN: [outcome: string, authorization: string | undefined][] = [
  ['no_key', undefined],
  ['no_key', 'Bearer '],
  ['no_key', key],
  ['no_key', `Bearer ${key} extra`],
  ['unknown_key', `Bearer ${key.slice(0, -1)}`],
  ['revoked_key', `Bearer ${revoked.key}`],
];

async function ask(method: string, path: string, authorization: string | undefined) {
  const world = fakeWorld({ clientKeys });
  const request = {
    method,
    path,
    headers: { authorization },
    query: '',
    body: Buffer.alloc(0),
    requestId: 'r1',
  };
  return { answer: await authorize(request, world), told: world.told, metrics: world.metrics };
}

const refusal = (status: number, code: string, headers = {}) => ({
  status,
  headers: expect.objectContaining({ 'content-type': 'application/problem+json', ...headers }),
  body: expect.stringMatching(new RegExp(`"status":${status},.*"code":"${code}".*"request_id":"r1"`)),
});
const UNAUTHENTICATED = refusal(401, 'unauthenticated', { 'www-authenticate': 'Bearer' });
const NOTHING = { told: [], metrics: {} };

describe.each(ROUTES)('$operation', ({ operation, method, path }) => {
  const address = path.replace('*', 'job_1');
  const jobId = path.includes('*') ? 'job_1' : '';
  const needed = NEEDED[operation];
  const letIn = { operation, jobId, client: needed === null ? '' : 'acme' };

  it.each(KNOWN.map((scopes) => ({ scopes })))(
    `needs ${needed}, and no more: $scopes`,
    async ({ scopes }) => {
      const isLetIn = needed === null || scopes.includes(needed);
      const asked = await ask(method, address, `bearer ${keyWith(scopes).key}`);
      expect(asked).toEqual({ answer: isLetIn ? letIn : refusal(403, 'insufficient_scope'), ...NOTHING });
    },
  );

  it.each(UNKNOWN)(
    'needs a key that is known, and counts others, unless it is open: %s, %s',
    async (outcome, as) => {
      const counted = {
        told: [{ stage: 'authorize', outcome, trace_id: expect.stringMatching(/^[0-9a-f]{32}$/) }],
        metrics: { KeysRefused: 1 },
      };
      const isOpen = needed === null;
      expect(await ask(method, address, as)).toEqual(
        isOpen ? { answer: letIn, ...NOTHING } : { answer: UNAUTHENTICATED, ...counted },
      );
    },
  );
});

describe('what is no call of the API', () => {
  it.each([
    ['GET', '/nowhere', refusal(404, 'not_found')],
    ['POST', '/v1/jobs/', refusal(404, 'not_found')],
    ['PUT', '/v1/jobs', refusal(405, 'method_not_allowed', { allow: 'POST, GET, HEAD' })],
    ['POST', '/v1/health', refusal(405, 'method_not_allowed', { allow: 'GET, HEAD' })],
  ])('is named to those who have a key, whatever its scopes: %s %s', async (method, path, answer) => {
    for (const scopes of KNOWN)
      expect(await ask(method, path, `Bearer ${keyWith(scopes).key}`)).toEqual({ answer, ...NOTHING });
    for (const [, authorization] of UNKNOWN)
      expect((await ask(method, path, authorization)).answer).toEqual(UNAUTHENTICATED);
  });
});
