import { optional, required } from './environment.ts';

/**
 * Replaces the SDK's chain of providers in the bundles (see lib/stages/bundle.ts): a function's credentials are in
 * its environment, and stay the same for as long as that lives.
 */
export const defaultProvider = () => async () => ({
  accessKeyId: required('AWS_ACCESS_KEY_ID'),
  secretAccessKey: required('AWS_SECRET_ACCESS_KEY'),
  sessionToken: optional('AWS_SESSION_TOKEN') ?? undefined,
});
