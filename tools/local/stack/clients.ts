import { REGION } from './identities.ts';

/** The emulators check no signature, but every client insists on making one. */
export const CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };

/** What a client needs in addition to the address. */
export const ACCESS = { region: REGION, credentials: CREDENTIALS };

export function clientSettings(endpoint: string) {
  return { endpoint, ...ACCESS };
}
