import {
  GetSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type { Millis } from '../core/job.ts';
import { isSigningSecret } from '../core/webhook/signature.ts';
import { awsSettings, describingErrors } from './aws.ts';
import type { ApiKey } from './modelstudio.ts';
import { clock } from './system.ts';

/** A signing secret that was rotated is in use after at most this long. */
const CACHE_MILLIS = 300_000;
/** The API key is read again as soon as ModelStudio refuses it, so only cost decides how long it is cached. */
const API_KEY_CACHE_MILLIS = 900_000;

const newClient = () => describingErrors(new SecretsManagerClient(awsSettings));

export function createApiKey(secretId: string, client = newClient()): ApiKey {
  return { get: remembered(() => secretIn(client, secretId, 'AWSCURRENT'), API_KEY_CACHE_MILLIS) };
}

/** AWSCURRENT and, from the first rotation on, AWSPREVIOUS. @throws when the current one is not a valid `whsec_` secret */
export function createSigningSecrets(secretId: string, client = newClient()): () => Promise<string[]> {
  return remembered(async () => {
    const current = await secretIn(client, secretId, 'AWSCURRENT');
    if (!isSigningSecret(current))
      throw new Error('The webhook secret must be "whsec_" and 24 to 64 bytes in padded base64');
    // Read after it, so that a rotation between the two hides neither, and remembered with it, be it absent.
    const previous = await secretIn(client, secretId, 'AWSPREVIOUS').catch(orNone);
    return isSigningSecret(previous) ? [current, previous] : [current];
  }, CACHE_MILLIS);
}

/** Of a secret that was never rotated. */
function orNone(error: unknown): string {
  if (error instanceof ResourceNotFoundException) return '';
  throw error;
}

async function secretIn(client: SecretsManagerClient, SecretId: string, VersionStage: string) {
  const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId, VersionStage }));
  return SecretString.trim();
}

/** Concurrent callers share one read; a failed read is not cached. */
function remembered<T>(read: () => Promise<T>, millis: Millis): (isStale?: boolean) => Promise<T> {
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
