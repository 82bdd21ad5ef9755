import { Validations } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpMethod, HttpRoute, HttpRouteKey } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Construct } from 'constructs';
import { allow } from './allow.ts';
import type { Deliver } from './deliver.ts';
import { StageFunction } from './function.ts';
import type { Poll } from './poll.ts';
import type { Shared } from './shared.ts';

/**
 * The HTTP API: one function creates jobs and may use ModelStudio's key; the other answers everything else,
 * the errors included. Both authenticate inside, as a gateway's authorizer could not answer by the contract.
 */
export class Api extends Construct {
  constructor(scope: Construct, id: string, httpApi: HttpApi, shared: Shared, poll: Poll, deliver: Deliver) {
    super(scope, id);
    const submit = this.addSubmit(shared, poll, deliver);
    const jobs = this.addJobs(shared, deliver);
    const routes = [
      { routeKey: HttpRouteKey.with('/v1/jobs', HttpMethod.POST), fn: submit },
      { routeKey: HttpRouteKey.DEFAULT, fn: jobs },
    ];
    for (const { routeKey, fn } of routes) {
      const integration = new HttpLambdaIntegration(`${fn.node.id}Integration`, fn);
      new HttpRoute(this, `${fn.node.id}Route`, { httpApi, routeKey, integration });
    }
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-APIG4',
      reason: 'Each request is authenticated inside the function, which answers by the contract.',
    });
  }

  private addSubmit(shared: Shared, poll: Poll, deliver: Deliver): StageFunction {
    const { state, settings } = shared;
    const fn = new StageFunction(this, 'Submit', shared, {
      name: 'submit',
      environment: {
        CLIENT_KEYS_TABLE: state.clientKeys.tableName,
        MODELSTUDIO_SECRET_ARN: state.modelStudioKey.secretArn,
        POLL_QUEUE_URL: poll.queue.queue.queueUrl,
        DELIVER_QUEUE_URL: deliver.queue.queue.queueUrl,
        DEFAULT_WEBHOOK_URL: settings.defaultWebhookUrl,
      },
    });
    state.grantJobs(fn, 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:DeleteItem');
    state.grantExperience(fn, 'dynamodb:GetItem', 'dynamodb:PutItem');
    state.grantReadDocuments(fn);
    state.grantWriteDocuments(fn);
    allow(fn, ['dynamodb:GetItem'], state.clientKeys.tableArn);
    allow(fn, ['sqs:SendMessage'], poll.queue.queue.queueArn, deliver.queue.queue.queueArn);
    allow(fn, ['secretsmanager:GetSecretValue'], state.modelStudioKey.secretArn);
    return fn;
  }

  private addJobs(shared: Shared, deliver: Deliver): StageFunction {
    const { state } = shared;
    const fn = new StageFunction(this, 'Jobs', shared, {
      name: 'jobs',
      environment: {
        CLIENT_KEYS_TABLE: state.clientKeys.tableName,
        DELIVER_QUEUE_URL: deliver.queue.queue.queueUrl,
      },
    });
    state.grantJobs(fn, 'dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:PutItem');
    allow(fn, ['dynamodb:Query'], `${state.jobs.tableArn}/index/client`);
    state.grantReadDocuments(fn);
    state.grantWriteDocuments(fn);
    allow(fn, ['dynamodb:GetItem'], state.clientKeys.tableArn);
    allow(fn, ['sqs:SendMessage'], deliver.queue.queue.queueArn);
    return fn;
  }
}
