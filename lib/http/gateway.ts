import { Annotations, CfnOutput, RemovalPolicy } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import * as gateway from 'aws-cdk-lib/aws-apigatewayv2';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Settings } from '../settings/settings.ts';

/** Requests per second that all APIs of an account accept together in each of thirteen regions; in others, 10000. */
const REGION_RATE_MIN = 2500;
const OVER_RATE = `throttleRate is over ${REGION_RATE_MIN}, which is all that some regions take: see docs/scale.md`;

/**
 * Quoted, as API Gateway writes "-" for a missing value. No header is among them, as one holds the client's key. For an
 * error of the gateway's own there is only the type, as its message may have quotes, which would end ours.
 */
const LOGGED = {
  request_id: '$context.requestId',
  ip: '$context.identity.sourceIp',
  time: '$context.requestTime',
  host: '$context.domainName',
  method: '$context.httpMethod',
  path: '$context.path',
  route: '$context.routeKey',
  status: '$context.status',
  bytes: '$context.responseLength',
  latency_ms: '$context.responseLatency',
  error: '$context.error.responseType',
  integration_status: '$context.integrationStatus',
  integration_latency_ms: '$context.integrationLatency',
  integration_error: '$context.integrationErrorMessage',
};

/** The addresses of the API: throttled, logged and, if the settings say so, with custom domain names. */
export class Gateway extends Construct {
  readonly httpApi: gateway.HttpApi;
  /** The address that the stack outputs and links use. */
  readonly url: string;

  constructor(scope: Construct, id: string, { settings, name }: { settings: Settings; name: string }) {
    super(scope, id);
    const { domainName: names, defaultEndpoint, throttleRate, throttleBurst } = settings;
    this.httpApi = new gateway.HttpApi(this, 'HttpApi', {
      description: 'ModelStudio jobs',
      createDefaultStage: false,
      ...(defaultEndpoint === 'off' && { disableExecuteApiEndpoint: true }),
    });
    const logGroup = new LogGroup(this, 'AccessLogs', {
      // Under this prefix, CloudWatch's policy for delivered logs does not grow with each group until it is full.
      logGroupName: `/aws/vendedlogs/${name}/access`,
      retention: settings.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const stage = new gateway.HttpStage(this, 'Stage', {
      httpApi: this.httpApi,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: throttleRate, burstLimit: throttleBurst },
      accessLogSettings: {
        destination: new gateway.LogGroupLogDestination(logGroup),
        format: AccessLogFormat.custom(JSON.stringify(LOGGED)),
      },
    });
    this.addDomainNames(stage, settings, scope);
    this.url =
      names.length === 0 || defaultEndpoint === 'first' ? this.httpApi.apiEndpoint : `https://${names[0]}`;
    if (throttleRate > REGION_RATE_MIN) Annotations.of(this).addWarningV2('modelstudio-jobs:rate', OVER_RATE);
  }

  /**
   * Gives the API custom domain names, and outputs where their DNS must point. Each is identified by its name, not its
   * place, so that the names may change places while all of them answer.
   */
  private addDomainNames(stage: gateway.HttpStage, settings: Settings, outputs: Construct): void {
    const { domainName: names, certificateArn: arns } = settings;
    for (const [i, name] of names.entries()) {
      const certificateArn = (arns[i] ?? arns[0]) as string;
      const domainName = new gateway.DomainName(this, `Domain-${name}`, {
        domainName: name,
        certificate: Certificate.fromCertificateArn(this, `Certificate-${name}`, certificateArn),
        securityPolicy: gateway.SecurityPolicy.TLS_1_2,
      });
      new gateway.ApiMapping(this, `Mapping-${name}`, { api: stage.api, stage, domainName });
      const values = {
        DomainName: name,
        DomainTarget: domainName.regionalDomainName,
        DomainTargetZoneId: domainName.regionalHostedZoneId,
      };
      const description = `${name} must point at its DomainTarget, by CNAME or alias`;
      for (const [key, value] of Object.entries(values))
        new CfnOutput(outputs, `${key}${i === 0 ? '' : i + 1}`, { description, value });
    }
  }
}
