import { randomUUID } from 'node:crypto';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeServer, listenLocally } from '../../../tools/local/http/server.ts';
import { clientSettings } from '../../../tools/local/stack/clients.ts';
import { generateSecretString } from '../../../tools/local/stack/secret-string.ts';
import { createSecretsManagerServer, SecretsManager } from '../../../tools/local/stack/secrets-manager.ts';

const server = createSecretsManagerServer(new SecretsManager());
let client: SecretsManagerClient;

beforeAll(async () => {
  client = new SecretsManagerClient({ ...clientSettings(await listenLocally(server)), maxAttempts: 1 });
});

afterAll(async () => {
  client.destroy();
  await closeServer(server);
});

async function createSecret(value?: string): Promise<{ id: string; arn: string }> {
  const id = `secret-${randomUUID()}`;
  const { ARN = '' } = await client.send(
    new CreateSecretCommand({ Name: id, ...(value !== undefined && { SecretString: value }) }),
  );
  return { id, arn: ARN };
}

const get = (SecretId: string, version: { VersionStage?: string; VersionId?: string } = {}) =>
  client.send(new GetSecretValueCommand({ SecretId, ...version }));
const put = (
  SecretId: string,
  SecretString: string,
  options: { VersionStages?: string[]; ClientRequestToken?: string } = {},
) => client.send(new PutSecretValueCommand({ SecretId, SecretString, ...options }));

describe('a secret', () => {
  it('is found by name, by ARN and by an ARN without its suffix', async () => {
    const { id, arn } = await createSecret('value');
    expect(arn).toBe(`arn:aws:secretsmanager:us-east-1:000000000000:secret:${id}-aB3dE6`);
    for (const SecretId of [id, arn, arn.slice(0, -7)]) {
      expect(await get(SecretId)).toMatchObject({
        ARN: arn,
        Name: id,
        SecretString: 'value',
        VersionStages: ['AWSCURRENT'],
        CreatedDate: expect.any(Date),
      });
    }
  });

  it.each(['put', 'update'] as const)('moves its stages with every new value: %s', async (operation) => {
    const { id } = await createSecret('one');
    for (const SecretString of ['two', 'three']) {
      if (operation === 'put') await put(id, SecretString);
      else await client.send(new UpdateSecretCommand({ SecretId: id, SecretString }));
    }
    expect(await get(id)).toMatchObject({ SecretString: 'three' });
    expect(await get(id, { VersionStage: 'AWSPREVIOUS' })).toMatchObject({ SecretString: 'two' });
    const { VersionIdsToStages = {} } = await client.send(new DescribeSecretCommand({ SecretId: id }));
    expect(Object.values(VersionIdsToStages)).toEqual([['AWSPREVIOUS'], ['AWSCURRENT']]);
  });

  it.each([0, 65_537])('refuses a value of %d bytes', async (bytes) => {
    const { id } = await createSecret('value');
    await put(id, 'x'.repeat(65_536));
    await expect(put(id, 'x'.repeat(bytes))).rejects.toMatchObject({ name: 'ValidationException' });
  });

  it('keeps a version with another stage apart', async () => {
    const { id } = await createSecret('current');
    const { VersionId = '' } = await put(id, 'pending', { VersionStages: ['AWSPENDING'] });
    expect(await get(id)).toMatchObject({ SecretString: 'current' });
    expect(await get(id, { VersionStage: 'AWSPENDING' })).toMatchObject({ SecretString: 'pending' });
    expect(await get(id, { VersionId })).toMatchObject({ SecretString: 'pending' });
  });

  it('stores a repeated put once, and refuses the same token for another value', async () => {
    const { id } = await createSecret('one');
    const ClientRequestToken = '0123456789abcdef0123456789abcdef';
    const { VersionId } = await put(id, 'two', { ClientRequestToken });
    await put(id, 'three');
    expect(await put(id, 'two', { ClientRequestToken })).toMatchObject({ VersionId });
    expect(await get(id)).toMatchObject({ SecretString: 'three' });
    await expect(put(id, 'other', { ClientRequestToken })).rejects.toMatchObject({
      name: 'ResourceExistsException',
    });
  });

  it('may have no previous value, or none at all', async () => {
    const { id } = await createSecret('one');
    const { id: empty } = await createSecret();
    for (const missing of [
      get(id, { VersionStage: 'AWSPREVIOUS' }),
      get(id, { VersionId: 'x'.repeat(32) }),
      get(empty),
    ]) {
      await expect(missing).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    }
  });
});

describe('an error has the name and the message of AWS', () => {
  it.each<[string, () => Promise<unknown>, string, string]>([
    [
      'an unknown secret',
      () => get('nobody'),
      'ResourceNotFoundException',
      "Secrets Manager can't find the specified secret.",
    ],
    [
      'an unknown operation',
      () => client.send(new ListSecretsCommand({})),
      'UnknownOperationException',
      'ListSecrets',
    ],
    ['a missing parameter', () => get(undefined as never), 'InvalidParameterException', 'SecretId'],
  ])('%s', async (_name, call, name, message) => {
    await expect(call()).rejects.toMatchObject({ name, message: expect.stringContaining(message) });
  });

  it('is also the answer to a body that is not JSON', async () => {
    const endpoint = await client.config.endpoint?.();
    const response = await fetch(`http://127.0.0.1:${endpoint?.port}`, {
      method: 'POST',
      headers: { 'x-amz-target': 'secretsmanager.GetSecretValue' },
      body: 'nonsense',
    });
    expect([response.status, await response.json()]).toEqual([
      400,
      { __type: 'InvalidRequestException', Message: 'The request is not valid.' },
    ]);
  });
});

describe('a generated value', () => {
  it.each<[string, Parameters<typeof generateSecretString>[0], RegExp]>([
    ['is a password of 32 characters', {}, /^(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])(?=.*[^a-zA-Z0-9 ])[!-~]{32}$/],
    ['has the given length', { PasswordLength: 4 }, /^.{4}$/],
    ['leaves out punctuation', { ExcludePunctuation: true }, /^[a-zA-Z0-9]{32}$/],
    [
      'is made of digits alone',
      { ExcludePunctuation: true, ExcludeLowercase: true, ExcludeUppercase: true },
      /^[0-9]{32}$/,
    ],
    ['leaves out single characters', { ExcludeCharacters: '0123456789"' }, /^[^0-9"]{32}$/],
    ['may have a space', { IncludeSpace: true, PasswordLength: 5 }, / /],
    [
      'is a member of the template',
      { SecretStringTemplate: '{"user":"me"}', GenerateStringKey: 'key', ExcludePunctuation: true },
      /^\{"user":"me","key":"[a-zA-Z0-9]{32}"\}$/,
    ],
  ])('%s', (_name, generation, pattern) => {
    expect(generateSecretString(generation)).toMatch(pattern);
  });
});
