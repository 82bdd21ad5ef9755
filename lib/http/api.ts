import { Validations } from 'aws-cdk-lib';
import { type HttpApi, HttpMethod, HttpRoute, HttpRouteKey } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Construct } from 'constructs';
import { Jobs } from '../stages/jobs.ts';
import type { WakingStageProps } from '../stages/stage-function.ts';
import { Submit } from '../stages/submit.ts';

/**
 * The HTTP API: one function creates jobs and may use ModelStudio's key; the other answers everything else,
 * including the errors. Both authenticate inside, as a gateway's authorizer could not answer by the contract.
 */
export class Api extends Construct {
  constructor(scope: Construct, id: string, props: WakingStageProps & { httpApi: HttpApi }) {
    super(scope, id);
    const routes = [
      { routeKey: HttpRouteKey.with('/v1/jobs', HttpMethod.POST), fn: new Submit(this, 'Submit', props) },
      { routeKey: HttpRouteKey.DEFAULT, fn: new Jobs(this, 'Jobs', props) },
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
}
