import { createRequire } from 'node:module';
import path from 'node:path';
import { App, CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  HttpApi,
  HttpMethod,
  HttpNoneAuthorizer,
  HttpRoute,
  HttpRouteKey,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { AttributeType, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Schedule as EventsSchedule, Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as RuleTarget } from 'aws-cdk-lib/aws-events-targets';
import { Function as CdkFunction, Code, Runtime } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { BlockPublicAccess, Bucket } from 'aws-cdk-lib/aws-s3';
import { Schedule, ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { LambdaInvoke } from 'aws-cdk-lib/aws-scheduler-targets';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

const { resolve: resolveModule } = createRequire(import.meta.url);
const sdk = (client: string) => `require(${JSON.stringify(resolveModule(`@aws-sdk/client-${client}`))})`;

/** Takes an order, queues it, and shows its receipt once there is one. */
export const API_SOURCE = `
  const { DynamoDBClient, PutItemCommand, GetItemCommand } = ${sdk('dynamodb')};
  const { SQSClient, SendMessageCommand } = ${sdk('sqs')};
  const table = new DynamoDBClient(), queue = new SQSClient();
  const TableName = process.env.TABLE_NAME;
  exports.handler = async (event) => {
    if (event.routeKey === 'POST /orders') {
      await table.send(new PutItemCommand({ TableName, Item: { pk: { S: 'order' }, body: { S: event.body } } }));
      await queue.send(new SendMessageCommand({ QueueUrl: process.env.QUEUE_URL, MessageBody: event.body }));
      return { statusCode: 202, headers: { location: process.env.API_URL + '/orders' } };
    }
    const { Item } = await table.send(new GetItemCommand({ TableName, Key: { pk: { S: 'receipt' } } }));
    return { greeting: process.env.GREETING, extra: process.env.EXTRA, receipt: Item?.body.S ?? null };
  };`;

/** Hangs for an order \`hang\` the first time; otherwise signs it, keeps it in S3 and writes the receipt. */
export const WORKER_SOURCE = `
  const { DynamoDBClient, PutItemCommand } = ${sdk('dynamodb')};
  const { S3Client, PutObjectCommand, GetObjectCommand } = ${sdk('s3')};
  const { SecretsManagerClient, GetSecretValueCommand } = ${sdk('secrets-manager')};
  const table = new DynamoDBClient(), bucket = new S3Client(), secrets = new SecretsManagerClient();
  exports.handler = async (event) => {
    if (!event.Records) return console.log('fired ' + JSON.stringify(event));
    const [{ body, attributes }] = event.Records;
    if (body === 'hang' && attributes.ApproximateReceiveCount === '1') {
      console.log('hanging');
      await new Promise(() => setInterval(() => {}, 1000));
    }
    const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId: process.env.SECRET_ARN }));
    const place = { Bucket: process.env.BUCKET_NAME, Key: 'orders/1' };
    await bucket.send(new PutObjectCommand({ ...place, Body: body + ' signed ' + SecretString }));
    const stored = await bucket.send(new GetObjectCommand(place)).then(({ Body }) => Body.transformToString());
    const Item = { pk: { S: 'receipt' }, body: { S: stored } };
    await table.send(new PutItemCommand({ TableName: process.env.TABLE_NAME, Item }));
    return { batchItemFailures: [] };
  };`;

/** Synthesizes a stack with one of everything, from bundles in two directories; answers its template file. */
export function synthesizeFixtureStack(outdir: string, bundles: { api: string; worker: string }): string {
  const app = new App({ outdir });
  const stack = new Stack(app, 'Fixture');
  const table = new TableV2(stack, 'Table', {
    partitionKey: { name: 'pk', type: AttributeType.STRING },
    timeToLiveAttribute: 'ttl',
    globalSecondaryIndexes: [
      { indexName: 'by-body', partitionKey: { name: 'body', type: AttributeType.STRING } },
    ],
  });
  const queue = new Queue(stack, 'Queue', {
    enforceSSL: true,
    visibilityTimeout: Duration.seconds(2),
    deadLetterQueue: { queue: new Queue(stack, 'DeadLetters'), maxReceiveCount: 5 },
  });
  const bucket = new Bucket(stack, 'Bucket', {
    autoDeleteObjects: true,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    lifecycleRules: [{ expiration: Duration.days(1) }],
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const secret = new Secret(new Construct(stack, 'Signing'), 'Secret', {
    generateSecretString: { excludePunctuation: true },
  });
  const api = new HttpApi(stack, 'Api', { defaultAuthorizer: new HttpNoneAuthorizer() });
  const createFunction = (id: string, directory: string, environment: Record<string, string>) =>
    new CdkFunction(stack, id, {
      code: Code.fromAsset(directory),
      environment,
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      timeout: Duration.seconds(2),
    });
  const front = createFunction('Front', bundles.api, {
    API_URL: api.apiEndpoint,
    GREETING: 'from the template',
    QUEUE_URL: queue.queueUrl,
    TABLE_NAME: table.tableName,
  });
  const worker = createFunction('Worker', bundles.worker, {
    BUCKET_NAME: bucket.bucketName,
    SECRET_ARN: secret.secretArn,
    TABLE_NAME: table.tableName,
  });
  table.grant(front, 'dynamodb:GetItem', 'dynamodb:PutItem');
  queue.grant(front, 'sqs:SendMessage');
  table.grant(worker, 'dynamodb:PutItem');
  bucket.grantReadWrite(worker);
  secret.grantRead(worker);
  front.metricErrors().createAlarm(stack, 'Alarm', { evaluationPeriods: 1, threshold: 1 });
  new Topic(stack, 'Alarms');
  worker.addEventSource(
    new SqsEventSource(queue, { batchSize: 1, maxConcurrency: 2, reportBatchItemFailures: true }),
  );
  const integration = new HttpLambdaIntegration('Integration', front);
  api.addRoutes({ path: '/orders', methods: [HttpMethod.POST], integration });
  new HttpRoute(stack, 'Anything', { httpApi: api, integration, routeKey: HttpRouteKey.DEFAULT });
  new Schedule(stack, 'Sweep', {
    schedule: ScheduleExpression.rate(Duration.minutes(1)),
    target: new LambdaInvoke(worker),
  });
  new Rule(stack, 'Nightly', {
    schedule: EventsSchedule.cron({ hour: '3' }),
    targets: [new RuleTarget(worker)],
  });
  new CfnOutput(stack, 'ApiUrl', { value: api.url ?? '' });
  new CfnOutput(stack, 'SecretName', { value: secret.secretName });
  new CfnOutput(stack, 'TableName', { value: table.tableName });
  app.synth();
  return path.join(outdir, 'Fixture.template.json');
}
