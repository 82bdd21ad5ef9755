import { type DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import * as core from '../core/webhook/client-settings.ts';
import { waitForAll } from '../wait-for-all.ts';
import { logger } from './log.ts';
import { orNone, remembered, rememberedBy, secretIn } from './secrets.ts';
import { clock } from './system.ts';

/** A client's settings are in use after at most this long. */
const SETTINGS_CACHE_MILLIS = 60_000;

export type CredentialsOf = ReturnType<typeof createCredentials>;

/** What signs a client's webhook to a URL, and the headers that its operator has set for that host. */
export function createCredentials(
  rootSecrets: () => Promise<string[]>,
  secretsManager: SecretsManagerClient,
  dynamodb: DynamoDBClient,
  { clientKeysTable: TableName, stackName }: Record<'clientKeysTable' | 'stackName', string>,
) {
  const headersOf = async (client: string): Promise<Record<string, Record<string, string>>> => {
    const name = core.headersSecret(stackName, client);
    const text = await secretIn(secretsManager, name, 'AWSCURRENT').catch(orNone);
    return JSON.parse(text || '{}');
  };
  const settingsOf = rememberedBy(async (client) => {
    const get = new GetItemCommand({ TableName, Key: core.settingsKey(client) });
    const { Item = {} } = await dynamodb.send(get);
    const settings: core.ClientSettings = unmarshall(Item);
    return { ...settings, headers: remembered(() => headersOf(client), SETTINGS_CACHE_MILLIS) };
  }, SETTINGS_CACHE_MILLIS);
  return async (client: string, url: URL) => {
    const [roots, settings] = await waitForAll([rootSecrets(), settingsOf(client)]);
    const secrets = core.liveSecrets(roots, client, settings, clock.now());
    const host = core.hostAndPort(url);
    if (!settings.headerHosts?.has(host)) return { secrets, headers: {} };
    // If they cannot be read, the message comes back: a gateway would refuse the webhook without them.
    const headers = (await settings.headers())[host];
    if (headers === undefined) logger.warn('custom headers are missing', { client, host });
    return { secrets, headers: headers ?? {} };
  };
}
