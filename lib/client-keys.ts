import { CustomResource, Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { Grant } from 'aws-cdk-lib/aws-iam';
import { Code, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { Settings } from './settings/settings.ts';
import { bundleFunctions, KEYS } from './stages/bundle.ts';
import { toRows } from './stages/grant.ts';
import { commonProps } from './stages/stage-function.ts';

const MEMORY_MIB = 256;
const TIMEOUT = Duration.minutes(5);
/** In which Lambda calls it three times, should it die. */
const ANSWER_TIMEOUT = Duration.minutes(20);

/** The ARN is known once the secret holds the key. */
type DeployedKey = { secret: ISecret; secretArn: string };

/** Client keys that a deployment makes, in a secret each, and the function that does it. */
export class ClientKeys extends Construct {
  readonly #function: LambdaFunction;
  readonly #keys = new Map<string, DeployedKey>();

  constructor(scope: Construct, id: string, props: { table: ITable; settings: Settings; name: string }) {
    super(scope, id);
    const { table, settings, name } = props;
    const bundles = bundleFunctions(false, [KEYS]);
    this.#function = new LambdaFunction(this, 'Function', {
      ...commonProps(this, 'Function', settings),
      code: Code.fromAsset(bundles.folderOf(KEYS)),
      memorySize: MEMORY_MIB,
      timeout: TIMEOUT,
      environment: { CLIENT_KEYS_TABLE: table.tableName, SERVICE_NAME: name },
    });
    bundles.remove();
    Grant.addToPrincipal({ grantee: this.#function, ...toRows(table, 'PutItem', 'UpdateItem') });
  }

  /** The one key of a client, which is made when it is asked for first. */
  keyOf(client: string): DeployedKey {
    const key = this.#keys.get(client) ?? this.#newKey(client);
    this.#keys.set(client, key);
    return key;
  }

  #newKey(client: string): DeployedKey {
    const scope = new Construct(this, `Client:${client}`);
    const secret = new Secret(scope, 'Secret', {
      description: `Client key of ${client}, made by its deployment.`,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'Another key is made by another deployment, which revokes this one.',
    });
    const actions = ['secretsmanager:GetSecretValue', 'secretsmanager:PutSecretValue'];
    Grant.addToPrincipal({ grantee: this.#function, actions, resourceArns: [secret.secretArn] });
    const resource = new CustomResource(scope, 'Key', {
      serviceToken: this.#function.functionArn,
      serviceTimeout: ANSWER_TIMEOUT,
      resourceType: 'Custom::ModelStudioClientKey',
      properties: { SecretArn: secret.secretArn, Client: client },
    });
    return { secret, secretArn: resource.getAttString('SecretArn') };
  }
}
