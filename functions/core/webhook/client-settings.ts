import { sha256Hex } from '../ids.ts';
import type { Millis } from '../job.ts';
import { clientSecret } from './signature.ts';

/** For so long, the secret of the generation before signs along. */
export const OVERLAP_MILLIS = 7 * 86_400_000;

/** What its operator has set for a client, in a row beside its keys. Most clients have none. */
export interface ClientSettings {
  /** Of its secret, and when it began. */
  generation?: number;
  rotatedAt?: Millis;
  /** Where its webhooks have custom headers: `host:port`. */
  headerHosts?: ReadonlySet<string>;
}

/** The key of a client's row: no hash of a client key looks like it. */
export const settingsKey = (client: string) => ({ sha256: { S: `client/${client}` } });

/** What signs a client's webhooks now, the latest first. A receiver needs one of them. */
export function liveSecrets(roots: readonly string[], client: string, settings: ClientSettings, now: Millis) {
  const { generation = 1, rotatedAt = 0 } = settings;
  const isOverlap = generation > 1 && now < rotatedAt + OVERLAP_MILLIS;
  const generations = isOverlap ? [generation, generation - 1] : [generation];
  return roots.flatMap((root) => generations.map((each) => clientSecret(root, client, each)));
}

/** Of the secrets that `npm run keys -- headers` makes, one for each client that needs it. */
export const headersPrefix = (stackName: string) => `${stackName}/webhook-headers/`;
/** A client's name may have characters that a secret's may not. */
export const headersSecret = (stackName: string, client: string) =>
  headersPrefix(stackName) + sha256Hex(client);

export const hostAndPort = ({ protocol, hostname, port }: URL) =>
  `${hostname}:${port || (protocol === 'http:' ? 80 : 443)}`;
