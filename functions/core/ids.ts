import { hash } from 'node:crypto';

const BASE32 = '0123456789abcdefghjkmnpqrstvwxyz';
const ID_BYTES = 16;
const NONCE_BYTES = 5;

/** Crockford base 32 in lower case: 16 bytes make 26 characters. */
export function base32(bytes: Uint8Array): string {
  const from = (bit: number) => ((bytes[bit >> 3] ?? 0) << 8) | (bytes[(bit >> 3) + 1] ?? 0);
  let text = '';
  for (let bit = 0; bit < 8 * bytes.length; bit += 5)
    text += BASE32.charAt((from(bit) >> (11 - (bit & 7))) & 31);
  return text;
}

/** The key decides the id, so one conditional insert keeps it to one job: no second record could disagree. */
export function jobIdOfKey(client: string, idempotencyKey: string): string {
  const digest = hash('sha256', JSON.stringify([client, idempotencyKey]), 'buffer');
  return jobIdOf(digest.subarray(0, ID_BYTES));
}

/** Distinguishes what a few workers write about one job. The row is billed by the kilobyte, so this is short. */
export const nonceOf = (random: Uint8Array) => base32(random.subarray(0, NONCE_BYTES));

export const jobIdOf = (random: Uint8Array) => `job_${base32(random)}`;
export const webhookIdOf = (random: Uint8Array) => `msg_${base32(random)}`;

/** Where an operator finds what ModelStudio sent instead of results. */
export const unreadableKeyOf = (jobId: string) => `unreadable/${jobId}.json`;

export const uploadIdOf = (random: Uint8Array) => `upload_${base32(random)}`;

/** The same file of the same client has the same id. */
export function uploadIdOfFile(client: string, sha256: string, bytes: number, format: string): string {
  const digest = hash('sha256', JSON.stringify([client, sha256, bytes, format]), 'buffer');
  return uploadIdOf(digest.subarray(0, ID_BYTES));
}

export const sha256Hex = (text: string) => hash('sha256', text);
