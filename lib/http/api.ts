import { Validations } from 'aws-cdk-lib';
import { type HttpApi, HttpMethod, HttpRoute, HttpRouteKey } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Construct } from 'constructs';
import type { DestinationRights } from '../../functions/core/webhook/destination.ts';
import { toQuery, toRows } from '../stages/grant.ts';
import { StageFunction, type WakingStageProps } from '../stages/stage-function.ts';

/**
 * The HTTP API: one function creates jobs and may use ModelStudio's key; the other answers everything else,
 * including the errors. Both authenticate inside, as a gateway's authorizer could not answer by the contract.
 */
export class Api extends Construct {
  constructor(scope: Construct, id: string, props: WakingStageProps & { httpApi: HttpApi }) {
    super(scope, id);
    const routes = [
      { routeKey: HttpRouteKey.with('/v1/jobs', HttpMethod.POST), fn: this.submit(props) },
      { routeKey: HttpRouteKey.DEFAULT, fn: this.jobs(props) },
    ];
    for (const { routeKey, fn } of routes) {
      const integration = new HttpLambdaIntegration(`${fn.node.id}Integration`, fn);
      new HttpRoute(this, `${fn.node.id}Route`, { httpApi: props.httpApi, routeKey, integration });
    }
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-APIG4',
      reason: 'Each request is authenticated inside the function, which answers by the contract.',
    });
  }

  private submit(props: WakingStageProps): StageFunction {
    const { storage, settings, pollQueue, deliverQueue, createQueue } = props;
    const rights: DestinationRights[] = settings.destinations.map(({ name, clients }) => ({ name, clients }));
    return new StageFunction(this, 'Submit', {
      ...props,
      name: 'submit',
      environment: {
        CLIENT_KEYS_TABLE: storage.clientKeys.tableName,
        MODELSTUDIO_SECRET_ARN: storage.modelStudioKey,
        POLL_QUEUE_URL: pollQueue,
        DELIVER_QUEUE_URL: deliverQueue,
        CREATE_QUEUE_URL: createQueue,
        QUEUE_FOR_SECONDS: String(settings.queueForSeconds),
        ALLOW_RESUBMIT: String(settings.allowResubmit),
        CONVERSATIONS_PER_CREATE: String(settings.conversationsPerCreate),
        BYTES_PER_CREATE: String(settings.bytesPerCreate),
        FORWARD_TRACESTATE: String(settings.forwardTracestate),
        DEFAULT_WEBHOOK_URL: settings.defaultWebhookUrl,
        DESTINATIONS: rights.length > 0 ? JSON.stringify(rights) : undefined,
        DEFAULT_DESTINATION: settings.defaultDestination,
      },
      permissions: [
        toRows(storage.jobs, 'GetItem', 'PutItem', 'UpdateItem', 'DeleteItem'),
        ...(settings.jobsAtOnce ? [toQuery(storage.jobs, 'queue')] : []),
        toRows(storage.durationStats, 'GetItem', 'PutItem', 'UpdateItem'),
        ...storage.toReadDocuments,
        ...storage.toEndJobs,
        storage.toObjects('PutObject', 'requests', 'sources'),
        storage.toObjects('GetObject', 'uploads'),
        toRows(storage.clientKeys, 'GetItem'),
      ],
    });
  }

  private jobs(props: WakingStageProps): StageFunction {
    const { storage, deliverQueue } = props;
    return new StageFunction(this, 'Jobs', {
      ...props,
      name: 'jobs',
      environment: { CLIENT_KEYS_TABLE: storage.clientKeys.tableName, DELIVER_QUEUE_URL: deliverQueue },
      permissions: [
        toRows(storage.jobs, 'GetItem', 'BatchGetItem', 'PutItem', 'UpdateItem'),
        toQuery(storage.jobs, 'client'),
        ...storage.toReadDocuments,
        ...storage.toEndJobs,
        storage.toObjects('GetObject', 'uploads'),
        storage.toObjects('PutObject', 'uploads'),
        storage.toObjects('DeleteObject', 'uploads'),
        toRows(storage.clientKeys, 'GetItem'),
      ],
    });
  }
}
