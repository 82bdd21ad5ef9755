import { randomBytes } from 'node:crypto';
import { ConditionalCheckFailedException, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { CLIENT_NAME, newClientKey, SCOPES, type Scope } from '../../functions/core/http/client-key.ts';
import { redactedInput } from '../../functions/core/redact.ts';
import { allClientKeys, type ClientKeysTable, clientKeysOf } from './client-keys.ts';
import { needed, print, runCommand, tell, UsageError } from './command.ts';
import { clearHeaders, customHeadersOf, headersIn, hostIn, setHeaders } from './custom-headers.ts';
import { CliError } from './error-message.ts';
import { findTarget, TARGET_HELP, targetOptions, targetRefIn } from './find-target.ts';
import type { Target } from './target.ts';
import { rotate, webhookSecretOf } from './webhook-secrets.ts';

const HELP = `Manages the keys that client apps call the API with.

  npm run keys -- create --name CLIENT [--scope jobs:read] [--scope jobs:write]
  npm run keys -- list
  npm run keys -- revoke --id KEY_ID
  npm run keys -- secret --name CLIENT [--rotate]
  npm run keys -- headers --name CLIENT [--host HOST[:PORT] [--set 'NAME: VALUE'] [--clear]]

  --name NAME   the client that the key belongs to; its jobs are seen by its own keys alone
  --scope S     both scopes, unless given
  --id KEY_ID   the key's id, as listed: the part between the underscores of msj_…_…; the whole key will do
  --rotate      makes a new webhook secret for the client; the one before signs along for a week
  --host HOST   where the client's webhooks go, with the port unless it is 443
  --set 'N: V'  a header that its webhooks have there and nowhere else, such as 'Authorization: Bearer …'; repeatable
  --clear       they have none there any longer
${TARGET_HELP}

A key is shown once, when it is made. A revoked key stops working within 60 s.
create prints the key, then the secret that signs the client's webhooks, which \`secret\` prints again: the receivers
of this client, and nobody else, verify webhooks with it. list prints tab-separated lines: id, client, scopes, creation,
"active" or when it was revoked. headers prints such lines of what there is, without the values: host and port, name.
`;

async function create(name: string, scopes: Scope[], target: Target): Promise<void> {
  const { client, TableName } = clientKeysOf(target);
  // Without it, the key would be of little use.
  const { secret } = await webhookSecretOf(target, name);
  const { key, record } = newClientKey(name, scopes, randomBytes(48), Date.now());
  await client.send(new PutItemCommand({ TableName, Item: marshall(record) }));
  print(key);
  print(secret);
  tell(`A key of ${name} for ${scopes.join(' and ')}. It will not be shown again.`);
  tell(`Below it is the secret that signs the webhooks of ${name}, for its receivers alone.`);
}

async function secret(name: string, rotates: boolean, target: Target): Promise<void> {
  await mustBeClient(name, target);
  if (rotates) await rotate(target, name);
  const { secret, generation, overlapsUntil } = await webhookSecretOf(target, name);
  print(secret);
  tell(`It signs the webhooks of ${name}${rotates ? ' from a minute on' : ''}, and is number ${generation}.`);
  if (overlapsUntil) tell(`The one before signs along until ${overlapsUntil.toISOString()}.`);
}

async function headers(name: string, change: HeadersChange, target: Target): Promise<void> {
  await mustBeClient(name, target);
  if (change.kind === 'set') await setHeaders(target, name, change.host, change.headers);
  if (change.kind === 'clear' && !(await clearHeaders(target, name, change.host)))
    return tell(`Webhooks of ${name} had no custom headers there.`);
  const all = Object.entries(await customHeadersOf(target, name));
  const shown = all.filter(([host]) => change.host === null || host === change.host);
  for (const [host, ofHost] of shown) for (const header of Object.keys(ofHost)) print(`${host}\t${header}`);
  if (shown.length === 0) tell(`Webhooks of ${name} have no custom headers${change.host ? ' there' : ''}.`);
  if (change.kind !== 'list') tell('It takes effect within a minute.');
}

/** A name that was mistyped has a secret, too, which signs nothing. */
async function mustBeClient(name: string, target: Target): Promise<void> {
  const keys = await allClientKeys(clientKeysOf(target));
  if (!keys.some(({ client }) => client === name))
    throw new CliError(`There is no key of ${redactedInput(name)}: ${seeList(target)}`);
}

const seeList = ({ flags }: Target) => `see npm run keys -- list ${flags}`;

async function list(clientKeys: ClientKeysTable): Promise<void> {
  const keys = await allClientKeys(clientKeys);
  if (keys.length === 0) tell('There is no key yet.');
  for (const { keyId, client, scopes, createdAt, revokedAt } of keys) {
    const state = revokedAt === null ? 'active' : `revoked ${new Date(revokedAt).toISOString()}`;
    print([keyId, client, scopes.join(','), new Date(createdAt).toISOString(), state].join('\t'));
  }
}

async function revoke(keyId: string, target: Target): Promise<void> {
  const clientKeys = clientKeysOf(target);
  const key = (await allClientKeys(clientKeys)).find((candidate) => candidate.keyId === keyId);
  if (!key) throw new CliError(`There is no key ${redactedInput(keyId)}: ${seeList(target)}`);
  const update = {
    TableName: clientKeys.TableName,
    Key: { sha256: { S: key.sha256 } },
    UpdateExpression: 'SET revokedAt = :now',
    ConditionExpression: 'revokedAt = :never',
    ExpressionAttributeValues: marshall({ ':now': Date.now(), ':never': null }),
  };
  await clientKeys.client.send(new UpdateItemCommand(update)).catch((error) => {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  });
  tell(`${keyId} of ${key.client} is revoked; it stops working within 60 s.`);
}

function scopesIn(given: string[] = [...SCOPES]): Scope[] {
  if (given.every((scope) => SCOPES.includes(scope as Scope))) return [...new Set(given as Scope[])];
  throw new UsageError(`--scope must be one of ${SCOPES.join(', ')}`);
}

/** Who has only the key need not take it apart. */
function idIn(given: string | undefined): string {
  const text = needed(given, '--id').trim();
  return /^msj_([a-z0-9]+)_/.exec(text)?.[1] ?? text;
}

/** It must fit on one line of the list, and look like no other. */
function nameIn(given: string | undefined): string {
  const name = needed(given, '--name');
  if (!CLIENT_NAME.test(name))
    throw new UsageError('--name must be 1 to 128 characters, none of them a control character');
  if (name !== name.trim()) throw new UsageError('--name must neither begin nor end with a space');
  return name;
}

type HeadersFlags = { host?: string; set?: string[]; clear?: boolean; local?: boolean };
type HeadersChange =
  | { kind: 'list'; host: string | null }
  | { kind: 'clear'; host: string }
  | { kind: 'set'; host: string; headers: Record<string, string> };

function changeIn(values: HeadersFlags): HeadersChange {
  const { set = [], clear = false, local = false } = values;
  if (set.length > 0 && clear) throw new UsageError('--set and --clear cannot be used together');
  if (set.length === 0 && !clear)
    return { kind: 'list', host: values.host === undefined ? null : hostIn(values.host, local) };
  const host = hostIn(needed(values.host, '--host'), local);
  return clear ? { kind: 'clear', host } : { kind: 'set', host, headers: headersIn(set) };
}

await runCommand({
  help: HELP,
  options: {
    ...targetOptions,
    name: { type: 'string' },
    scope: { type: 'string', multiple: true },
    id: { type: 'string' },
    rotate: { type: 'boolean' },
    host: { type: 'string' },
    set: { type: 'string', multiple: true },
    clear: { type: 'boolean' },
  },
  verbs: {
    create: ['name', 'scope'],
    list: [],
    revoke: ['id'],
    secret: ['name', 'rotate'],
    headers: ['name', 'host', 'set', 'clear'],
  },
  secrets: ['id', 'set'],
  async run(values, verb) {
    const target = () => findTarget(targetRefIn(values));
    // What was typed is looked at before anything is looked for.
    switch (verb) {
      case 'create':
        return create(nameIn(values.name), scopesIn(values.scope), await target());
      case 'list':
        return list(clientKeysOf(await target()));
      case 'revoke':
        return revoke(idIn(values.id), await target());
      case 'secret':
        return secret(nameIn(values.name), values.rotate ?? false, await target());
      case 'headers':
        return headers(nameIn(values.name), changeIn(values), await target());
    }
  },
});
