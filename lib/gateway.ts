import { CfnOutput, RemovalPolicy } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  DomainName,
  HttpApi,
  HttpStage,
  LogGroupLogDestination,
  SecurityPolicy,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Settings } from './settings.ts';

/** Quoted, as API Gateway writes "-" for what there is not. No header is among them: one holds the client's key. */
const ACCESS_LOG = {
  request_id: '$context.requestId',
  ip: '$context.identity.sourceIp',
  time: '$context.requestTime',
  method: '$context.httpMethod',
  path: '$context.path',
  route: '$context.routeKey',
  status: '$context.status',
  bytes: '$context.responseLength',
  latency_ms: '$context.responseLatency',
  error: '$context.error.message',
  integration_status: '$context.integrationStatus',
  integration_latency_ms: '$context.integrationLatency',
  integration_error: '$context.integrationErrorMessage',
};

/** The address of the API: throttled, logged and, if the settings say so, under a name of one's own. */
export class Gateway extends Construct {
  readonly httpApi: HttpApi;
  readonly url: string;

  constructor(scope: Construct, id: string, settings: Settings) {
    super(scope, id);
    const { domainName, certificateArn } = settings;
    this.httpApi = new HttpApi(this, 'HttpApi', {
      description: 'ModelStudio jobs',
      createDefaultStage: false,
      // One address, so that a webhook to ourselves is known as one by its host.
      ...(domainName && { disableExecuteApiEndpoint: true }),
    });
    const domain = domainName && certificateArn ? this.addDomain(domainName, certificateArn) : null;
    new HttpStage(this, 'Stage', {
      httpApi: this.httpApi,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: settings.throttleRate, burstLimit: settings.throttleBurst },
      accessLogSettings: {
        destination: new LogGroupLogDestination(
          new LogGroup(this, 'AccessLogs', {
            retention: settings.logRetentionDays,
            removalPolicy: RemovalPolicy.DESTROY,
          }),
        ),
        format: AccessLogFormat.custom(JSON.stringify(ACCESS_LOG)),
      },
      ...(domain && { domainMapping: { domainName: domain } }),
    });
    this.url = domainName ? `https://${domainName}` : this.httpApi.apiEndpoint;
  }

  private addDomain(domainName: string, certificateArn: string): DomainName {
    const domain = new DomainName(this, 'Domain', {
      domainName,
      certificate: Certificate.fromCertificateArn(this, 'Certificate', certificateArn),
      securityPolicy: SecurityPolicy.TLS_1_2,
    });
    new CfnOutput(this, 'DomainTarget', {
      description: `Point ${domainName} here, by CNAME or alias`,
      value: domain.regionalDomainName,
    }).overrideLogicalId('DomainTarget');
    new CfnOutput(this, 'DomainTargetZoneId', {
      description: 'The hosted zone of DomainTarget, for a Route 53 alias',
      value: domain.regionalHostedZoneId,
    }).overrideLogicalId('DomainTargetZoneId');
    return domain;
  }
}
