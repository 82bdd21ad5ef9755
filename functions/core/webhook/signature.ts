import { createHmac } from 'node:crypto';
import type { Millis } from '../job.ts';

const PREFIX = /^whsec_/;

/**
 * As Standard Webhooks requires, in base64 that every receiver's library decodes: Go's and Python's refuse what lacks its padding
 * or has the alphabet of URLs. https://github.com/standard-webhooks/standard-webhooks
 */
export function isSigningSecret(secret: string): boolean {
  const base64 = secret.replace(PREFIX, '');
  const bytes = Buffer.from(base64, 'base64');
  return bytes.toString('base64') === base64 && bytes.length >= 24 && bytes.length <= 64;
}

/** The Standard Webhooks headers of one attempt: a signature for each secret, so that receivers can rotate at their own pace. */
export function signedHeaders(id: string, at: Millis, body: string, secrets: readonly string[]) {
  const timestamp = String(Math.floor(at / 1000));
  const content = `${id}.${timestamp}.${body}`;
  const signatures = secrets.map((secret) => `v1,${hmac(secret, content)}`);
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}

function hmac(secret: string, content: string): string {
  const key = Buffer.from(secret.replace(PREFIX, ''), 'base64');
  return createHmac('sha256', key).update(content).digest('base64');
}
