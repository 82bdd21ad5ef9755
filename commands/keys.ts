import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  PutItemCommand,
  paginateScan,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { type ClientKey, newClientKey, SCOPES, type Scope } from '../functions/core/client-key.ts';

const HELP = `Manages the keys that client apps call the API with.

  npm run keys -- create --table T --name CLIENT [--scope jobs:read] [--scope jobs:write]
  npm run keys -- list   --table T
  npm run keys -- revoke --table T --id KEY_ID

  --table T   the stack's output ClientKeysTable
  --name      the client that the key belongs to; its jobs are seen by its own keys alone
  --scope     both scopes, unless given

A key is shown once, when it is made. A revoked key stops working within 60 s.
AWS credentials and region are taken from where the AWS CLI takes them.
`;

class UsageError extends Error {}

function parse(args: string[]) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      table: { type: 'string' },
      name: { type: 'string' },
      id: { type: 'string' },
      scope: { type: 'string', multiple: true },
      help: { type: 'boolean', short: 'h' },
    },
  });
  return { ...values, verb: positionals[0] };
}

function needed(value: string | undefined, flag: string): string {
  if (!value) throw new UsageError(`${flag} is missing`);
  return value;
}

async function create(
  client: DynamoDBClient,
  TableName: string,
  name: string,
  scopes: Scope[],
): Promise<void> {
  const { key, record } = newClientKey(name, scopes, randomBytes(48), Date.now());
  await client.send(new PutItemCommand({ TableName, Item: marshall(record) }));
  process.stdout.write(`${key}\n`);
  process.stderr.write(`A key of ${name} for ${scopes.join(' and ')}. It will not be shown again.\n`);
}

async function keysIn(client: DynamoDBClient, TableName: string): Promise<ClientKey[]> {
  const keys: ClientKey[] = [];
  for await (const page of paginateScan({ client }, { TableName })) {
    keys.push(...(page.Items ?? []).map((item) => unmarshall(item) as ClientKey));
  }
  return keys.sort((a, b) => a.createdAt - b.createdAt);
}

async function list(client: DynamoDBClient, TableName: string): Promise<void> {
  for (const { keyId, client: name, scopes, createdAt, revokedAt } of await keysIn(client, TableName)) {
    const state = revokedAt === null ? 'active' : `revoked ${new Date(revokedAt).toISOString()}`;
    const made = new Date(createdAt).toISOString();
    process.stdout.write(`${[keyId, name, scopes.join(','), made, state].join('\t')}\n`);
  }
}

async function revoke(client: DynamoDBClient, TableName: string, keyId: string): Promise<void> {
  const key = (await keysIn(client, TableName)).find((candidate) => candidate.keyId === keyId);
  if (!key) throw new UsageError(`There is no key ${keyId} in ${TableName}`);
  const update = {
    Key: { sha256: { S: key.sha256 } },
    UpdateExpression: 'SET revokedAt = :now',
    ConditionExpression: 'revokedAt = :never',
    ExpressionAttributeValues: marshall({ ':now': Date.now(), ':never': null }),
  };
  await client.send(new UpdateItemCommand({ TableName, ...update })).catch((error) => {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  });
  process.stderr.write(`${keyId} of ${key.client} is revoked; it stops working within 60 s.\n`);
}

function scopesOf(given: string[] | undefined): Scope[] {
  const wrong = given?.find((scope) => !SCOPES.includes(scope as Scope));
  if (wrong !== undefined)
    throw new UsageError(`There is no scope ${wrong}; there are: ${SCOPES.join(', ')}`);
  return given ? (given as Scope[]) : [...SCOPES];
}

async function main(): Promise<void> {
  const { verb, table, name, id, scope, help } = parse(process.argv.slice(2));
  if (help) return void process.stdout.write(HELP);
  const client = new DynamoDBClient();
  switch (verb) {
    case 'create':
      return create(client, needed(table, '--table'), needed(name, '--name'), scopesOf(scope));
    case 'list':
      return list(client, needed(table, '--table'));
    case 'revoke':
      return revoke(client, needed(table, '--table'), needed(id, '--id'));
    default:
      throw new UsageError('Say create, list or revoke');
  }
}

await main().catch((error: Error & { code?: string }) => {
  const isUsage = error instanceof UsageError || error.code?.startsWith('ERR_PARSE_ARGS');
  process.stderr.write(isUsage ? `${error.message}. Try --help.\n` : `${error.name}: ${error.message}\n`);
  process.exitCode = isUsage ? 2 : 1;
});
