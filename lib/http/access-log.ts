import { RemovalPolicy } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { type IAccessLogSettings, LogGroupLogDestination } from 'aws-cdk-lib/aws-apigatewayv2';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { Settings } from '../settings/settings.ts';

/**
 * Quoted, as API Gateway writes "-" for a missing value. No header is among them, as one holds the client's key. For an
 * error of the gateway's own there is only the type, as its message may have quotes, which would end ours.
 */
const FIELDS = {
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

export function accessLog(
  scope: Construct,
  id: string,
  { settings, name }: { settings: Settings; name: string },
): IAccessLogSettings {
  const logGroup = new LogGroup(scope, id, {
    // Under this prefix, CloudWatch's policy for delivered logs does not grow with each group until it is full.
    logGroupName: `/aws/vendedlogs/${name}/access`,
    retention: settings.logRetentionDays,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  return {
    destination: new LogGroupLogDestination(logGroup),
    format: AccessLogFormat.custom(JSON.stringify(FIELDS)),
  };
}
