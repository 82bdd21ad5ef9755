import { SecretsProvider } from '@aws-lambda-powertools/parameters/secrets';
import { ResourceNotFoundException } from '@aws-sdk/client-secrets-manager';
import { isSigningSecret } from '../core/signature.ts';
import type { ApiKey } from './modelstudio.ts';

/** A signing secret that was rotated is in use after at most this long. */
const CACHE_SECONDS = 60;
/** The API key is read again as soon as ModelStudio refuses it, so only the bill decides how long it is remembered. */
const API_KEY_CACHE_SECONDS = 900;

/** ModelStudio's API key in Secrets Manager. */
export function createApiKey(secretId: string): ApiKey {
  const provider = new SecretsProvider();
  return {
    async get(isStale) {
      const options = { maxAge: API_KEY_CACHE_SECONDS, forceFetch: isStale };
      return String((await provider.get(secretId, options)) ?? '').trim();
    },
  };
}

/**
 * The webhook signing secrets that are alive: AWSCURRENT and, from the first rotation on, AWSPREVIOUS.
 * @throws when the current one is not a `whsec_` secret of 24 to 64 bytes
 */
export function createSigningSecrets(secretId: string): () => Promise<string[]> {
  const current = new SecretsProvider();
  const previous = new MaybeAbsentSecret();
  return async () => {
    const versions = await Promise.all([
      current.get(secretId, { maxAge: CACHE_SECONDS }),
      previous.get(secretId, { maxAge: CACHE_SECONDS, sdkOptions: { VersionStage: 'AWSPREVIOUS' } }),
    ]);
    const [now = '', before = ''] = versions.map((version) => String(version).trim());
    if (!isSigningSecret(now))
      throw new Error('The webhook secret must be "whsec_" and 24 to 64 bytes in base64');
    return isSigningSecret(before) ? [now, before] : [now];
  };
}

/** Remembers that a version is absent, too: asking for it each time would cost a call each time. */
class MaybeAbsentSecret extends SecretsProvider {
  protected override async _get(...args: Parameters<SecretsProvider['_get']>) {
    try {
      return await super._get(...args);
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return '';
      throw error;
    }
  }
}
