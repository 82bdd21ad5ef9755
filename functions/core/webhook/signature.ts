import { createHmac, hkdfSync } from 'node:crypto';
import type { Millis } from '../job.ts';

const PREFIX = /^whsec_/;
const SECRET_BYTES = 32;

/** Whether clients' secrets can be derived from it: long enough, and in the base64 that `openssl rand -base64 32` writes. */
export function isRootSecret(secret: string): boolean {
  const bytes = bytesOf(secret);
  return bytes.length >= SECRET_BYTES && bytes.toString('base64') === secret.replace(PREFIX, '');
}

/** What a client's webhooks are signed with, by HKDF (RFC 5869): nobody who has it can tell the root or another client's. */
export function clientSecret(root: string, client: string, generation: number): string {
  const info = `webhook:${client}:${generation}`;
  const bytes = hkdfSync('sha256', bytesOf(root), '', info, SECRET_BYTES);
  return `whsec_${Buffer.from(bytes).toString('base64')}`;
}

/** The Standard Webhooks headers of one attempt: a signature for each secret, so that receivers can rotate at their own pace. */
export function signedHeaders(id: string, at: Millis, body: string, secrets: readonly string[]) {
  const timestamp = String(Math.floor(at / 1000));
  const content = `${id}.${timestamp}.${body}`;
  const signatures = secrets.map((secret) => `v1,${hmac(secret, content)}`);
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}

function hmac(secret: string, content: string): string {
  return createHmac('sha256', bytesOf(secret)).update(content).digest('base64');
}

const bytesOf = (secret: string) => Buffer.from(secret.replace(PREFIX, ''), 'base64');
