import { Annotations, CfnOutput, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  ApiMapping,
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

/**
 * Quoted, as API Gateway writes "-" for what there is not. No header is among them: one holds the client's key. Of an
 * error of the gateway's own there is the type, a word: its message may have quotes, which would end ours.
 */
const ACCESS_LOG = {
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

/** Requests a second that all HTTP APIs of an account take together, in thirteen regions; in the others, 10000. */
const REGION_RATE_MIN = 2500;
const OVER_RATE = `throttleRate is over ${REGION_RATE_MIN}, which is all that some regions take: see docs/scale.md`;

/** The addresses of the API: throttled, logged and, if the settings say so, under names of one's own. */
export class Gateway extends Construct {
  readonly httpApi: HttpApi;
  /** The one that is told. */
  readonly url: string;

  constructor(scope: Construct, id: string, settings: Settings) {
    super(scope, id);
    const { domainName: names, defaultEndpoint } = settings;
    this.httpApi = new HttpApi(this, 'HttpApi', {
      description: 'ModelStudio jobs',
      createDefaultStage: false,
      ...(defaultEndpoint === 'off' && { disableExecuteApiEndpoint: true }),
    });
    if (settings.throttleRate > REGION_RATE_MIN)
      Annotations.of(this).addWarningV2('modelstudio-jobs:rate', OVER_RATE);
    const stage = new HttpStage(this, 'Stage', {
      httpApi: this.httpApi,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: settings.throttleRate, burstLimit: settings.throttleBurst },
      accessLogSettings: {
        destination: new LogGroupLogDestination(
          new LogGroup(this, 'AccessLogs', {
            // Under this prefix, CloudWatch's policy for delivered logs does not grow with each group until it is full.
            logGroupName: `/aws/vendedlogs/${Stack.of(this).stackName}/access`,
            retention: settings.logRetentionDays,
            removalPolicy: RemovalPolicy.DESTROY,
          }),
        ),
        format: AccessLogFormat.custom(JSON.stringify(ACCESS_LOG)),
      },
    });
    for (const i of names.keys()) this.addDomain(i, settings, stage);
    this.url =
      names.length === 0 || defaultEndpoint === 'first' ? this.httpApi.apiEndpoint : `https://${names[0]}`;
  }

  /** Known by its name, not its place, so that the names may change places while all of them answer. */
  private addDomain(i: number, { domainName, certificateArn }: Settings, stage: HttpStage): void {
    const name = domainName[i] as string;
    const arn = (certificateArn[i] ?? certificateArn[0]) as string;
    const domain = new DomainName(this, `Domain-${name}`, {
      domainName: name,
      certificate: Certificate.fromCertificateArn(this, `Certificate-${name}`, arn),
      securityPolicy: SecurityPolicy.TLS_1_2,
    });
    new ApiMapping(this, `Mapping-${name}`, { api: this.httpApi, stage, domainName: domain });
    const outputs = {
      DomainName: name,
      DomainTarget: domain.regionalDomainName,
      DomainTargetZoneId: domain.regionalHostedZoneId,
    };
    const description = `${name} is to be pointed at its DomainTarget, by CNAME or alias`;
    for (const [key, value] of Object.entries(outputs)) {
      const output = new CfnOutput(this, `${key}-${name}`, { description, value });
      output.overrideLogicalId(i === 0 ? key : `${key}${i + 1}`);
    }
  }
}
