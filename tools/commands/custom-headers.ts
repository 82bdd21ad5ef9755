import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
} from '@aws-sdk/client-secrets-manager';
import { headersSecret, hostAndPort, settingsKey } from '../../functions/core/webhook/client-settings.ts';
import { faultInWebhookUrl, isLoopbackUrl } from '../../functions/core/webhook/webhook-url.ts';
import { clientKeysOf } from './client-keys.ts';
import { UsageError } from './command.ts';
import { CliError } from './error-message.ts';
import type { Target } from './target.ts';

/** By `host:port`, then by name. */
type CustomHeaders = Record<string, Record<string, string>>;

/** Which of them webhooks may go to is a deployment's to say. */
const ANY_PORT = Array.from({ length: 65_535 }, (_, index) => index + 1);
const HOST_MAX_BYTES = 4096;
/** Of a secret, by Secrets Manager. */
const ALL_MAX_BYTES = 65_536;

/** @returns `host:port`, as the function that sends compares it. @throws a UsageError when no webhook can go there */
export function hostIn(text: string, isLocal: boolean): string {
  if (!/^([a-z0-9.-]+|\[[0-9a-f:]+\])(:\d{1,5})?$/i.test(text))
    throw new UsageError('--host must be a host name as in the webhook URL, with its port unless it is 443');
  if (isLocal && isLoopbackUrl(`http://${text}`)) return hostAndPort(new URL(`http://${text}`));
  const url = `https://${text}`;
  const fault = faultInWebhookUrl(url, { ports: ANY_PORT, ownHost: null, loopback: false });
  if (fault === null) return hostAndPort(new URL(url));
  throw new UsageError(`--host must be as in a webhook URL, which ${fault.replace(/^M/, 'm')}`);
}

/** @param lines such as `Authorization: Bearer …`. @throws a UsageError, which does not quote them */
export function headersIn(lines: readonly string[]): Record<string, string> {
  const headers = lines.map((line) => {
    const [, name = '', value = ''] = /^([^:]*):(.*)$/s.exec(line) ?? [];
    return [name.toLowerCase(), value.trim()] as const;
  });
  // Not what AWS or a proxy would believe to be its own, nor the webhook's.
  if (!headers.every(([name]) => /^(authorization|x-(?!amz-|forwarded-)[a-z0-9-]+)$/.test(name)))
    throw new UsageError(
      '--set must be "NAME: VALUE", where NAME is Authorization or begins with X-, but not with X-Amz- or X-Forwarded-',
    );
  if (!headers.every(([, value]) => /^[ -~]+$/.test(value)))
    throw new UsageError('--set must have a value of ASCII characters, none of them a control character');
  const byName = Object.fromEntries(headers);
  if (Object.keys(byName).length === headers.length) return byName;
  throw new UsageError('--set must be given once for each header');
}

export async function customHeadersOf(
  { clients, deploymentName }: Target,
  client: string,
): Promise<CustomHeaders> {
  const get = new GetSecretValueCommand({ SecretId: headersSecret(deploymentName, client) });
  return clients.secrets.send(get).then(
    ({ SecretString = '{}' }) => JSON.parse(SecretString),
    (error) => {
      if (error instanceof ResourceNotFoundException) return {};
      throw error;
    },
  );
}

/** Adds to those of the host. The values come before the row that has them used. */
export async function setHeaders(
  target: Target,
  client: string,
  host: string,
  headers: Record<string, string>,
): Promise<void> {
  const all = await customHeadersOf(target, client);
  const ofHost = { ...all[host], ...headers };
  const bytes = Object.entries(ofHost).flat().join('').length;
  if (bytes > HOST_MAX_BYTES)
    throw new CliError(`The headers for ${host} have ${bytes} bytes, and ${HOST_MAX_BYTES} is the most.`);
  await store(target, client, { ...all, [host]: ofHost });
  await updateRow(target, client, 'ADD headerHosts :host SET client = :client', host);
}

/** In the reverse order. @returns whether there were any */
export async function clearHeaders(target: Target, client: string, host: string): Promise<boolean> {
  const { [host]: cleared, ...rest } = await customHeadersOf(target, client);
  await updateRow(target, client, 'DELETE headerHosts :host SET client = :client', host);
  if (Object.keys(rest).length > 0) await store(target, client, rest);
  else await remove(target, client);
  return cleared !== undefined;
}

async function remove({ clients, deploymentName }: Target, client: string): Promise<void> {
  const SecretId = headersSecret(deploymentName, client);
  // What waits to be deleted could not be created again.
  const request = new DeleteSecretCommand({ SecretId, ForceDeleteWithoutRecovery: true });
  await clients.secrets.send(request).catch((error) => {
    if (!(error instanceof ResourceNotFoundException)) throw error;
  });
}

async function store({ clients, deploymentName }: Target, client: string, all: CustomHeaders): Promise<void> {
  const SecretString = JSON.stringify(all);
  if (SecretString.length > ALL_MAX_BYTES)
    throw new CliError(`The headers of ${client} have more than ${ALL_MAX_BYTES} bytes in all.`);
  const Name = headersSecret(deploymentName, client);
  const Description = `Custom headers of the webhooks of ${client}: use \`npm run keys -- headers\`.`;
  const put = new PutSecretValueCommand({ SecretId: Name, SecretString });
  await clients.secrets.send(put).catch((error) => {
    if (!(error instanceof ResourceNotFoundException)) throw error;
    return clients.secrets.send(new CreateSecretCommand({ Name, Description, SecretString }));
  });
}

async function updateRow(target: Target, client: string, UpdateExpression: string, host: string) {
  const { client: dynamodb, TableName } = clientKeysOf(target);
  const values = { ':host': { SS: [host] }, ':client': { S: client } };
  const update = { TableName, Key: settingsKey(client), UpdateExpression, ExpressionAttributeValues: values };
  await dynamodb.send(new UpdateItemCommand(update));
}
