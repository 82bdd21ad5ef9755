import { Readable } from 'node:stream';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Cloud } from './cloud.ts';

export type Service = 'dynamodb' | 'sqs' | 's3' | 'secrets';

/** A command on its way to a service. */
export interface Call {
  service: Service;
  command: { input: object };
  /** As the SDK's `send` takes them. */
  options: { abortSignal?: AbortSignal; requestTimeout?: number };
}

/** Takes a call to the cloud and its answer back: `effect` is what it does there, at one moment. */
export type Carry = <T>(call: Call, effect: () => T) => Promise<T>;

/** At once, and nothing happens on the way. */
export const atOnce: Carry = async (_call, effect) => effect();

export interface Clients {
  dynamodb: DynamoDBClient;
  sqs: SQSClient;
  s3: S3Client;
  secrets: SecretsManagerClient;
}

/** A body that is read as it is sent arrives at one moment. */
async function withWholeBody(command: PutObjectCommand): Promise<PutObjectCommand> {
  const { Body } = command.input;
  if (!(Body instanceof Readable)) return command;
  return new PutObjectCommand({ ...command.input, Body: Buffer.concat(await Body.toArray()) });
}

/** The SDK's clients without its inside, which would take most of the time. */
export function clientsOf(cloud: Cloud, carry: Carry): Clients {
  const client = (service: Service) => ({
    send: async (given: { input: object }, options = {}) => {
      const command = given instanceof PutObjectCommand ? await withWholeBody(given) : given;
      return carry({ service, command, options }, () => cloud.apply(command));
    },
  });
  return {
    // Of the SDK's own class, as its paginators ask for that.
    dynamodb: Object.assign(Object.create(DynamoDBClient.prototype), client('dynamodb')),
    sqs: client('sqs') as unknown as SQSClient,
    s3: client('s3') as unknown as S3Client,
    secrets: client('secrets') as unknown as SecretsManagerClient,
  };
}
