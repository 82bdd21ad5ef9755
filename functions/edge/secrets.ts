import {
  GetSecretValueCommand,
  InvalidRequestException,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type { Millis } from '../core/job.ts';
import { isRootSecret } from '../core/webhook/signature.ts';
import { awsSettings, describingErrors } from './aws.ts';
import type { ApiKey } from './modelstudio.ts';
import { clock } from './system.ts';

/** A root secret that was rotated is in use after at most this long. */
const CACHE_MILLIS = 300_000;
/** The API key is read again as soon as ModelStudio refuses it, so only cost decides how long it is cached. */
const API_KEY_CACHE_MILLIS = 900_000;

export const newSecretsClient = () => describingErrors(new SecretsManagerClient(awsSettings));

export function createApiKey(secretId: string, client = newSecretsClient()): ApiKey {
  return { get: remembered(() => secretIn(client, secretId, 'AWSCURRENT'), API_KEY_CACHE_MILLIS) };
}

/** AWSCURRENT and, from the first rotation on, AWSPREVIOUS. @throws when no secrets can be derived from the current one */
export function createRootSecrets(secretId: string, client = newSecretsClient()): () => Promise<string[]> {
  return remembered(async () => {
    const current = await secretIn(client, secretId, 'AWSCURRENT');
    if (!isRootSecret(current))
      throw new Error('The webhook secret must be "whsec_" and at least 32 bytes in padded base64');
    // Read after it, so that a rotation between the two hides neither, and remembered with it, be it absent.
    const previous = await secretIn(client, secretId, 'AWSPREVIOUS').catch(orNone);
    return isRootSecret(previous) ? [current, previous] : [current];
  }, CACHE_MILLIS);
}

export async function secretIn(client: SecretsManagerClient, SecretId: string, VersionStage: string) {
  const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId, VersionStage }));
  return SecretString.trim();
}

/** One that is being deleted could be restored for a while, which is another error. */
export function orNone(error: unknown): string {
  if (error instanceof ResourceNotFoundException || error instanceof InvalidRequestException) return '';
  throw error;
}

/** Concurrent callers share one read; a failed read is not cached. */
export function remembered<T>(read: () => Promise<T>, millis: Millis): (isStale?: boolean) => Promise<T> {
  let latest: Promise<T> | null = null;
  let until = 0;
  return (isStale = false) => {
    if (latest !== null && !isStale && clock.now() < until) return latest;
    const reading = read();
    latest = reading;
    until = clock.now() + millis;
    reading.catch(() => {
      if (latest === reading) latest = null;
    });
    return reading;
  };
}

/** The same for each of many keys. */
export function rememberedBy<T>(read: (key: string) => Promise<T>, millis: Millis) {
  const known = new Map<string, () => Promise<T>>();
  return (key: string): Promise<T> => {
    const found = known.get(key) ?? remembered(() => read(key), millis);
    known.set(key, found);
    return found();
  };
}
