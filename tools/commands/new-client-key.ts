import type { ClientKey, Scope } from '../../functions/core/http/client-key.ts';
import { base32, sha256Hex } from '../../functions/core/ids.ts';

const SECRET_BYTES = 32;
const KEY_ID_LENGTH = 12;

/** Makes a client key, to be shown once, and what is stored about it. `random`: 48 bytes, a third of them for the id. */
export function newClientKey(client: string, scopes: Scope[], random: Uint8Array, now: number) {
  const keyId = base32(random.subarray(SECRET_BYTES)).slice(0, KEY_ID_LENGTH);
  const key = `msj_${keyId}_${Buffer.from(random.subarray(0, SECRET_BYTES)).toString('base64url')}`;
  const sha256 = sha256Hex(key);
  const record: ClientKey = { sha256, keyId, client, scopes, createdAt: now, revokedAt: null };
  return { key, record };
}
