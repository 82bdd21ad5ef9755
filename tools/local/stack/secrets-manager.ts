import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { secretArn } from './identities.ts';

interface Value {
  SecretString?: string;
  SecretBinary?: string;
}

interface Version extends Value {
  stages: Set<string>;
  createdAtSeconds: number;
}

interface Secret {
  arn: string;
  name: string;
  description: string | undefined;
  createdAtSeconds: number;
  versions: Map<string, Version>;
}

interface Input extends Value {
  SecretId?: string;
  Name?: string;
  Description?: string;
  ClientRequestToken?: string;
  VersionId?: string;
  VersionStage?: string;
  VersionStages?: string[];
  ForceDeleteWithoutRecovery?: boolean;
}

const VALUE_MAX_BYTES = 65_536;

class SecretsManagerError extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** The part of Secrets Manager that a function and a rotation need, in memory. */
export class SecretsManager {
  readonly #secrets = new Map<string, Secret>();
  readonly #operations: Record<string, (input: Input) => object> = {
    CreateSecret: (input) => this.create(input),
    DeleteSecret: (input) => this.#delete(this.#find(input), input),
    DescribeSecret: (input) => this.#describe(this.#find(input)),
    GetSecretValue: (input) => this.#getValue(input),
    PutSecretValue: (input) => this.#putValue(this.#find(input), input),
    UpdateSecret: (input) => this.#update(this.#find(input), input),
  };

  call(operation: string, input: Input): object {
    const perform = Object.hasOwn(this.#operations, operation) && this.#operations[operation];
    if (!perform) {
      throw new SecretsManagerError(
        'UnknownOperationException',
        `${operation} is not supported by the local stack`,
      );
    }
    return perform(input);
  }

  create(input: Input & { arn?: string }): object {
    const name = required(input.Name, 'Name');
    if (this.#secrets.has(name)) {
      throw new SecretsManagerError(
        'ResourceExistsException',
        `The operation failed because the secret ${name} already exists.`,
      );
    }
    const secret: Secret = {
      arn: input.arn ?? secretArn(name),
      name,
      description: input.Description,
      createdAtSeconds: nowSeconds(),
      versions: new Map(),
    };
    this.#secrets.set(name, secret);
    const hasValue = input.SecretString !== undefined || input.SecretBinary !== undefined;
    return hasValue ? this.#putValue(secret, input) : { ARN: secret.arn, Name: name };
  }

  #getValue(input: Input): object {
    const secret = this.#find(input);
    const stage = input.VersionStage ?? (input.VersionId === undefined ? 'AWSCURRENT' : undefined);
    const found = [...secret.versions].find(
      ([versionId, { stages }]) =>
        (input.VersionId === undefined || input.VersionId === versionId) &&
        (stage === undefined || stages.has(stage)),
    );
    if (!found) {
      const wanted = stage === undefined ? `VersionId: ${input.VersionId}` : `staging label: ${stage}`;
      throw notFound(`Secrets Manager can't find the specified secret value for ${wanted}`);
    }
    const [VersionId, { stages, createdAtSeconds, ...value }] = found;
    const identity = { ARN: secret.arn, Name: secret.name, CreatedDate: createdAtSeconds };
    return { ...identity, VersionId, VersionStages: [...stages], ...value };
  }

  #putValue(secret: Secret, input: Input): object {
    const VersionId = input.ClientRequestToken ?? randomUUID();
    const { SecretString, SecretBinary } = input;
    const bytes = Buffer.byteLength(SecretString ?? SecretBinary ?? '');
    if (bytes === 0 || bytes > VALUE_MAX_BYTES) {
      const message = `The value of a secret has 1 to ${VALUE_MAX_BYTES} bytes, not ${bytes}.`;
      throw new SecretsManagerError('ValidationException', message);
    }
    const existing = secret.versions.get(VersionId);
    if (existing && (existing.SecretString !== SecretString || existing.SecretBinary !== SecretBinary)) {
      throw new SecretsManagerError(
        'ResourceExistsException',
        `You can't use ClientRequestToken ${VersionId} because that value is already in use for a different value.`,
      );
    }
    if (!existing) {
      const value = {
        ...(SecretString !== undefined && { SecretString }),
        ...(SecretBinary && { SecretBinary }),
      };
      secret.versions.set(VersionId, { ...value, stages: new Set(), createdAtSeconds: nowSeconds() });
      for (const stage of input.VersionStages ?? ['AWSCURRENT']) moveStage(secret, stage, VersionId);
    }
    const VersionStages = [...(secret.versions.get(VersionId)?.stages ?? [])];
    return { ARN: secret.arn, Name: secret.name, VersionId, VersionStages };
  }

  #update(secret: Secret, input: Input): object {
    if (input.Description !== undefined) secret.description = input.Description;
    if (input.SecretString === undefined && input.SecretBinary === undefined) {
      return { ARN: secret.arn, Name: secret.name };
    }
    return this.#putValue(secret, { ...input, VersionStages: ['AWSCURRENT'] });
  }

  #delete({ name, arn }: Secret, { ForceDeleteWithoutRecovery }: Input): object {
    if (!ForceDeleteWithoutRecovery) {
      const message =
        'The local stack deletes a secret at once, with ForceDeleteWithoutRecovery, or not at all.';
      throw new SecretsManagerError('InvalidParameterException', message);
    }
    this.#secrets.delete(name);
    return { ARN: arn, Name: name, DeletionDate: nowSeconds() };
  }

  #describe(secret: Secret): object {
    const staged = [...secret.versions].filter(([, { stages }]) => stages.size > 0);
    return {
      ARN: secret.arn,
      Name: secret.name,
      Description: secret.description,
      CreatedDate: secret.createdAtSeconds,
      VersionIdsToStages: Object.fromEntries(
        staged.map(([versionId, { stages }]) => [versionId, [...stages]]),
      ),
    };
  }

  /** By name, by ARN, or by an ARN without its random suffix. */
  #find(input: Input): Secret {
    const id = required(input.SecretId, 'SecretId');
    const found = [...this.#secrets.values()].find(({ arn }) => arn === secretArn(id));
    if (!found) throw notFound("Secrets Manager can't find the specified secret.");
    return found;
  }
}

export function createSecretsManagerServer(secretsManager: SecretsManager): Server {
  return createServer(async (request, response) => {
    const [status, answer] = await buffer(request).then(
      (body) => {
        const operation = String(request.headers['x-amz-target']).replace('secretsmanager.', '');
        return perform(secretsManager, operation, body.toString());
      },
      () => [400, {}] as const,
    );
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(answer));
  });
}

function perform(secretsManager: SecretsManager, operation: string, body: string): readonly [number, object] {
  try {
    return [200, secretsManager.call(operation, JSON.parse(body) as Input)];
  } catch (error) {
    if (error instanceof SecretsManagerError) return [400, { __type: error.name, Message: error.message }];
    return [400, { __type: 'InvalidRequestException', Message: 'The request is not valid.' }];
  }
}

/** A stage names one version; the one that AWSCURRENT leaves becomes AWSPREVIOUS. */
function moveStage(secret: Secret, stage: string, toVersionId: string): void {
  for (const [versionId, { stages }] of secret.versions) {
    if (versionId === toVersionId || !stages.delete(stage)) continue;
    if (stage === 'AWSCURRENT') moveStage(secret, 'AWSPREVIOUS', versionId);
  }
  secret.versions.get(toVersionId)?.stages.add(stage);
}

function required(value: string | undefined, parameter: string): string {
  if (value !== undefined) return value;
  throw new SecretsManagerError('InvalidParameterException', `You must provide a value for ${parameter}.`);
}

function notFound(message: string): SecretsManagerError {
  return new SecretsManagerError('ResourceNotFoundException', message);
}

function nowSeconds(): number {
  return Date.now() / 1000;
}
