import { randomBytes } from 'node:crypto';
import { ConditionalCheckFailedException, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { SCOPES, type Scope } from '../../functions/core/http/client-key.ts';
import { redactedInput } from '../../functions/core/redact.ts';
import { allClientKeys, type ClientKeysTable, clientKeysOf } from './client-keys.ts';
import { needed, print, runCommand, tell, UsageError } from './command.ts';
import { CliError } from './error-message.ts';
import { findTarget, TARGET_HELP, targetOptions, targetRefIn } from './find-target.ts';
import { newClientKey } from './new-client-key.ts';

const HELP = `Manages the keys that client apps call the API with.

  npm run keys -- create --name CLIENT [--scope jobs:read] [--scope jobs:write]
  npm run keys -- list
  npm run keys -- revoke --id KEY_ID

  --name NAME   the client that the key belongs to; its jobs are seen by its own keys alone
  --scope S     both scopes, unless given
  --id KEY_ID   the key's id, as listed: the part between the underscores of msj_…_…; the whole key will do
${TARGET_HELP}

A key is shown once, when it is made. A revoked key stops working within 60 s.
list prints tab-separated lines: id, client, scopes, creation, "active" or when it was revoked.
`;

async function create(name: string, scopes: Scope[], { client, TableName }: ClientKeysTable): Promise<void> {
  const { key, record } = newClientKey(name, scopes, randomBytes(48), Date.now());
  await client.send(new PutItemCommand({ TableName, Item: marshall(record) }));
  print(key);
  tell(`A key of ${name} for ${scopes.join(' and ')}. It will not be shown again.`);
}

async function list(clientKeys: ClientKeysTable): Promise<void> {
  const keys = await allClientKeys(clientKeys);
  if (keys.length === 0) tell('There is no key yet.');
  for (const { keyId, client, scopes, createdAt, revokedAt } of keys) {
    const state = revokedAt === null ? 'active' : `revoked ${new Date(revokedAt).toISOString()}`;
    print([keyId, client, scopes.join(','), new Date(createdAt).toISOString(), state].join('\t'));
  }
}

async function revoke(keyId: string, clientKeys: ClientKeysTable): Promise<void> {
  const key = (await allClientKeys(clientKeys)).find((candidate) => candidate.keyId === keyId);
  if (!key) throw new CliError(`There is no key ${redactedInput(keyId)}.`);
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
  const wrong = given.find((scope) => !SCOPES.includes(scope as Scope));
  if (wrong === undefined) return [...new Set(given as Scope[])];
  throw new UsageError(`There is no scope ${wrong}; the scopes are ${SCOPES.join(', ')}`);
}

/** Who has only the key need not take it apart. */
function idIn(given: string | undefined): string {
  const text = needed(given, '--id').trim();
  return /^msj_([a-z0-9]+)_/.exec(text)?.[1] ?? text;
}

/** It must fit on one line of the list. */
function nameIn(given: string | undefined): string {
  const name = needed(given, '--name');
  if (/^\P{C}{1,128}$/u.test(name)) return name;
  throw new UsageError('--name must be 1 to 128 characters, none of them a control character');
}

await runCommand({
  help: HELP,
  options: {
    ...targetOptions,
    name: { type: 'string' },
    scope: { type: 'string', multiple: true },
    id: { type: 'string' },
  },
  verbs: ['create', 'list', 'revoke'],
  secrets: ['id'],
  async run(values, verb) {
    const clientKeys = async () => clientKeysOf(await findTarget(targetRefIn(values)));
    // What was typed is looked at before anything is looked for.
    switch (verb) {
      case 'create':
        return create(nameIn(values.name), scopesIn(values.scope), await clientKeys());
      case 'list':
        return list(await clientKeys());
      case 'revoke':
        return revoke(idIn(values.id), await clientKeys());
    }
  },
});
