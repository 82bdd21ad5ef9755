import {
  GetSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type { Millis } from '../core/job.ts';
import { isSigningSecret } from '../core/webhook/signature.ts';
import { waitForBoth } from '../wait-for-both.ts';
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
  const current = remembered(() => secretIn(client, secretId, 'AWSCURRENT'), CACHE_MILLIS);
  // Its absence is cached like a secret: otherwise every attempt would cost a call.
  const orNone = (error: unknown) => {
    if (error instanceof ResourceNotFoundException) return '';
    throw error;
  };
  const previous = remembered(() => secretIn(client, secretId, 'AWSPREVIOUS').catch(orNone), CACHE_MILLIS);
  return async () => {
    const [now, before] = await waitForBoth(current(), previous());
    if (!isSigningSecret(now))
      throw new Error('The webhook secret must be "whsec_" and 24 to 64 bytes in padded base64');
    return isSigningSecret(before) ? [now, before] : [now];
  };
}

async function secretIn(client: SecretsManagerClient, SecretId: string, VersionStage: string) {
  const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId, VersionStage }));
  return SecretString.trim();
}

/** Concurrent callers share one read; a failed read is not cached. */
function remembered(read: () => Promise<string>, millis: Millis): (isStale?: boolean) => Promise<string> {
  let latest = Promise.resolve('');
  let until = Number.NEGATIVE_INFINITY;
  return (isStale = false) => {
    if (isStale || until <= clock.now()) {
      until = clock.now() + millis;
      const reading = read();
      latest = reading;
      reading.catch(() => {
        if (latest === reading) until = Number.NEGATIVE_INFINITY;
      });
    }
    return latest;
  };
}
