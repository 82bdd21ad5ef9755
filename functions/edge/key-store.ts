import { randomBytes } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { PutSecretValueCommand, ResourceExistsException } from '@aws-sdk/client-secrets-manager';
import type { KeysWorld } from '../keys/keep-key.ts';
import { awsSettings, describingErrors } from './aws.ts';
import { createRows, succeeded } from './rows.ts';
import { newSecretsClient, orNone, secretIn } from './secrets.ts';
import { clock } from './system.ts';

/** The client keys' table, and the secrets that hold the keys which deployments make. */
export function keysWorld(
  tableName: string,
  dynamodb = describingErrors(new DynamoDBClient(awsSettings)),
  client = newSecretsClient(),
): KeysWorld {
  const rows = createRows(dynamodb, tableName, 'sha256');
  return {
    secrets: {
      read: (arn) => secretIn(client, arn, 'AWSCURRENT').catch(orNone),
      async write(SecretId, SecretString, ClientRequestToken) {
        const put = new PutSecretValueCommand({ SecretId, SecretString, ClientRequestToken });
        await client.send(put).catch((error) => {
          if (!(error instanceof ResourceExistsException)) throw error;
        });
      },
    },
    keys: {
      async insert(record) {
        await succeeded(rows.put(record, { ConditionExpression: 'attribute_not_exists(sha256)' }));
      },
      async revoke(sha256, now) {
        const terms = {
          UpdateExpression: 'SET revokedAt = :now',
          ConditionExpression: 'revokedAt = :never',
          values: { ':now': now, ':never': null },
        };
        await succeeded(rows.update(sha256, terms));
      },
    },
    clock,
    newRandom: () => randomBytes(48),
  };
}
