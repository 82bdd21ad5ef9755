import { base32, sha256Hex } from '../ids.ts';
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

const SECRET_BYTES = 32;
const KEY_ID_LENGTH = 12;

/** Makes a client key, to be shown once, and what is stored about it. `random`: 48 bytes, a third of them for the id. */
export function newClientKey(client: string, scopes: Scope[], random: Uint8Array, now: Millis) {
  const keyId = base32(random.subarray(SECRET_BYTES)).slice(0, KEY_ID_LENGTH);
  const key = `msj_${keyId}_${Buffer.from(random.subarray(0, SECRET_BYTES)).toString('base64url')}`;
  const sha256 = sha256Hex(key);
  const record: ClientKey = { sha256, keyId, client, scopes, createdAt: now, revokedAt: null };
  return { key, record };
}
