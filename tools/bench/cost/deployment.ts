import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { readSettings } from '../../../lib/settings/read-settings.ts';
import { ModelStudioJobsStack } from '../../../lib/stack.ts';
import type { FunctionName } from './assumptions.ts';

/** What the stack says of itself that has a price. */
export interface Deployment {
  memoryMiB: Record<FunctionName, number>;
  /** Whether Lambda writes its own lines about each invocation. */
  hasPlatformLogs: Record<FunctionName, boolean>;
  eventSources: number;
  secrets: number;
  alarmMetrics: number;
  dashboards: number;
  /** A line of the API's access log. */
  accessLogBytes: number;
}

interface Resource {
  Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: CloudFormation's properties, of any resource
  Properties: any;
}

/** Synthesizes the stack with its defaults, and reads what it consists of. */
export function readDeployment(): Deployment {
  const resources = synthesize();
  const of = (type: string) =>
    resources.filter(({ Type }) => Type === type).map(({ Properties }) => Properties);
  const functions = of('AWS::Lambda::Function');
  const mappings = of('AWS::Lambda::EventSourceMapping');
  const find = (name: RegExp) => {
    const found = functions.filter(({ LoggingConfig }) => name.test(LoggingConfig.LogGroup.Ref));
    if (found.length !== 1) throw new Error(`The stack has ${found.length} functions like ${name}`);
    return found[0];
  };
  const named = {
    submit: find(/^ApiSubmit/),
    create: find(/^Create/),
    poll: find(/^PollPoller/),
    collect: find(/^PollCollector/),
    deliver: find(/^Deliver/),
    jobs: find(/^ApiJobs/),
    sweep: find(/^Sweep/),
  };
  const each = <T>(read: (properties: Resource['Properties']) => T) =>
    Object.fromEntries(Object.entries(named).map(([name, fn]) => [name, read(fn)])) as Record<
      FunctionName,
      T
    >;
  return {
    memoryMiB: each(({ MemorySize }) => MemorySize),
    hasPlatformLogs: each(({ LoggingConfig }) => LoggingConfig.SystemLogLevel !== 'WARN'),
    eventSources: mappings.length,
    secrets: of('AWS::SecretsManager::Secret').length,
    alarmMetrics: of('AWS::CloudWatch::Alarm').flatMap(({ Metrics }) => metricsOf(Metrics)).length,
    dashboards: of('AWS::CloudWatch::Dashboard').length,
    accessLogBytes: of('AWS::ApiGatewayV2::Stage').reduce(
      (bytes, { AccessLogSettings }) => bytes + accessLogLine(AccessLogSettings?.Format).length,
      0,
    ),
  };
}

/** An alarm over an expression is billed by the metrics in it. */
function metricsOf(metrics: { MetricStat?: object }[] | undefined): object[] {
  return metrics === undefined ? [{}] : metrics.filter(({ MetricStat }) => MetricStat !== undefined);
}

const ACCESS: Record<string, string> = {
  requestId: 'JKJaXmPLvHcESHA=',
  'identity.sourceIp': '203.0.113.178',
  requestTime: '22/Nov/2026:21:39:35 +0000',
  httpMethod: 'POST',
  path: '/v1/jobs',
  routeKey: 'POST /v1/jobs',
  status: '202',
  responseLength: '812',
  responseLatency: '352',
  integrationStatus: '202',
  integrationLatency: '350',
};

function accessLogLine(format = ''): string {
  return format.replace(/\$context\.([A-Za-z.]+)/g, (_, name: string) => ACCESS[name] ?? '-');
}

function synthesize(): Resource[] {
  const outdir = mkdtempSync(join(tmpdir(), 'modelstudio-jobs-bench-'));
  try {
    const context = { organizationId: 'org_bench', alarmEmail: 'ops@example.com' };
    const app = new App({ outdir, context });
    const settings = readSettings(app.node.getAllContext());
    new ModelStudioJobsStack(app, 'ModelStudioJobs', { settings });
    return Object.values(app.synth().getStackByName('ModelStudioJobs').template.Resources);
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}
