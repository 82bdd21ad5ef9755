import { REGION } from './identities.ts';

/** The emulators check no signature, but every client insists on making one. */
export const CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };

export function clientSettings(endpoint: string) {
  return { endpoint, region: REGION, credentials: CREDENTIALS };
}
