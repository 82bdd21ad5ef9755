import type { Millis } from '../job.ts';

export const SCOPES = ['jobs:read', 'jobs:write'] as const;
export type Scope = (typeof SCOPES)[number];

/** What is stored about a client key. The key itself is shown once, when it is created. */
export interface ClientKey {
  sha256: string;
  keyId: string;
  client: string;
  scopes: Scope[];
  createdAt: Millis;
  revokedAt: Millis | null;
}

const BEARER = /^Bearer +(msj_[a-z0-9]{1,64}_[A-Za-z0-9_-]{16,128})$/i;

/** The client key in an `Authorization` header; null if it holds nothing that could be one of ours. */
export function keyInAuthorization(header: string | undefined): string | null {
  const key = BEARER.exec(header ?? '')?.[1];
  return key?.startsWith('msj_') ? key : null;
}
