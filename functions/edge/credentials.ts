import { optional, required } from './settings.ts';

/** Instead of the SDK's chain of providers (lib/stages/bundle.ts): a function's credentials are in its environment and never change. */
export function defaultProvider() {
  const credentials = {
    accessKeyId: required('AWS_ACCESS_KEY_ID'),
    secretAccessKey: required('AWS_SECRET_ACCESS_KEY'),
    sessionToken: optional('AWS_SESSION_TOKEN') ?? undefined,
  };
  return async () => credentials;
}
