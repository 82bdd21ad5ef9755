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

/** It fits on one line of a list, and must neither begin nor end with a space. */
export const CLIENT_NAME = /^\P{C}{1,128}$/u;

export const isClientName = (name: string) => CLIENT_NAME.test(name) && name === name.trim();

const SECRET_BYTES = 32;
const KEY_ID_LENGTH = 12;
const WHOLE_KEY = /^msj_([a-z0-9]{12})_[A-Za-z0-9_-]{43}$/;

/** Makes a client key, to be shown once, and what is stored about it. `random`: 48 bytes, a third of them for the id. */
export function newClientKey(client: string, scopes: Scope[], random: Uint8Array, now: Millis) {
  const keyId = base32(random.subarray(SECRET_BYTES)).slice(0, KEY_ID_LENGTH);
  const key = `msj_${keyId}_${Buffer.from(random.subarray(0, SECRET_BYTES)).toString('base64url')}`;
  return { key, record: recordOf(key, keyId, client, scopes, now) };
}

/** What is stored about a key that was made before; null: the text is no such key. */
export function recordOfKey(key: string, client: string, scopes: Scope[], now: Millis): ClientKey | null {
  const [, keyId] = WHOLE_KEY.exec(key) ?? [];
  return keyId === undefined ? null : recordOf(key, keyId, client, scopes, now);
}

function recordOf(key: string, keyId: string, client: string, scopes: Scope[], now: Millis): ClientKey {
  return { sha256: sha256Hex(key), keyId, client, scopes, createdAt: now, revokedAt: null };
}
