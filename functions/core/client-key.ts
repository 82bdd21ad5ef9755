import type { Millis } from './job.ts';

export type Scope = 'jobs:read' | 'jobs:write';

/** What is stored of a client key. The key itself is shown once, when it is made. */
export interface ClientKey {
  /** Hex SHA-256 of the whole key. */
  sha256: string;
  keyId: string;
  /** The client that the key belongs to. */
  client: string;
  scopes: Scope[];
  createdAt: Millis;
  revokedAt: Millis | null;
}

const BEARER = /^Bearer +(msj_[a-z0-9]{1,64}_[A-Za-z0-9_-]{16,128})$/i;

/** The client key in an `Authorization` header; null when there is none that could be one of ours. */
export function keyInAuthorization(header: string | undefined): string | null {
  const key = BEARER.exec(header ?? '')?.[1];
  return key?.startsWith('msj_') ? key : null;
}
