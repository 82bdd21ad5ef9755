import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { synthesize } from './synthesis.ts';

// biome-ignore lint/suspicious/noExplicitAny: CloudFormation properties have no types
type Resources = Record<string, { Properties: any; DeletionPolicy?: string }>;

let template: ReturnType<typeof synthesize>;
const all = (type: string): Resources => template.findResources(type) as Resources;
const properties = (type: string) => Object.values(all(type)).map((resource) => resource.Properties);

const WITH_DOMAIN = {
  organizationId: 'org_test',
  domainName: 'jobs.example.com',
  certificateArn: 'arn:aws:acm:eu-central-1:123456789012:certificate/0b1c2d3e-1234-4321-abcd-0123456789ab',
};

function variablesWith(context: Record<string, unknown>): object {
  const functions = Object.values(synthesize(context).findResources('AWS::Lambda::Function'));
  const [{ Properties }] = functions as [{ Properties: { Environment: { Variables: object } } }];
  return Properties.Environment.Variables;
}

beforeAll(() => {
  template = synthesize();
});

describe('functions', () => {
  it('run on arm64 and Node 24 with 256 MB or more', () => {
    for (const fn of properties('AWS::Lambda::Function')) {
      expect(fn).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'], Handler: 'index.handler' });
      expect(fn.MemorySize).toBeGreaterThanOrEqual(256);
    }
    expect(properties('AWS::Lambda::Function').length).toBe(6);
  });

  it('measure in the name of the stack', () => {
    for (const { Environment } of properties('AWS::Lambda::Function')) {
      expect(Environment.Variables.SERVICE_NAME).toBe('ModelStudioJobs');
    }
  });

  it('know the settings', () => {
    const context = {
      organizationId: 'org_x',
      webhookRetryScheduleSeconds: '0,7',
      webhookPorts: '8443,9443',
    };
    expect(variablesWith(context)).toMatchObject({
      MODELSTUDIO_ORGANIZATION_ID: 'org_x',
      WEBHOOK_RETRY_SCHEDULE_SECONDS: '0,7',
      WEBHOOK_PORTS: '8443,9443',
    });
  });
});

describe('the API', () => {
  it('is throttled', () => {
    const settings = { ThrottlingRateLimit: 200, ThrottlingBurstLimit: 400 };
    expect(properties('AWS::ApiGatewayV2::Stage')).toMatchObject([{ DefaultRouteSettings: settings }]);
  });

  it('is logged as JSON, without a header or a query', () => {
    const [{ AccessLogSettings }] = properties('AWS::ApiGatewayV2::Stage') as [
      Record<string, { Format: string }>,
    ];
    const line = JSON.parse(AccessLogSettings?.Format ?? '');
    expect(Object.keys(line)).toEqual(
      expect.arrayContaining(['request_id', 'ip', 'route', 'status', 'latency_ms', 'integration_error']),
    );
    for (const value of Object.values(line)) {
      expect(value).toMatch(/^\$context\.[A-Za-z.]+$/);
      expect(value).not.toMatch(/header|authoriz|query|userAgent/i);
    }
  });

  it('has one address, which is told as its URL', () => {
    expect(template.findOutputs('ApiUrl')).toHaveProperty('ApiUrl.Value.Fn::GetAtt.1', 'ApiEndpoint');
    const own = synthesize(WITH_DOMAIN);
    own.hasOutput('ApiUrl', { Value: 'https://jobs.example.com' });
    own.hasOutput('DomainTarget', {});
    own.hasOutput('DomainTargetZoneId', {});
    own.hasResourceProperties('AWS::ApiGatewayV2::Api', { DisableExecuteApiEndpoint: true });
    own.hasResourceProperties('AWS::ApiGatewayV2::ApiMapping', { Stage: '$default' });
    expect(variablesWith(WITH_DOMAIN)).toMatchObject({ API_URL: 'https://jobs.example.com' });
  });
});

describe('logs', () => {
  it('are forgotten when the setting says so', () => {
    expect(properties('AWS::Logs::LogGroup').map(({ RetentionInDays }) => RetentionInDays)).toEqual(
      Array(7).fill(30),
    );
    const groups = synthesize({ organizationId: 'org_test', logRetentionDays: 7 });
    groups.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 7 });
  });
});

const KEPT = ['AWS::DynamoDB::Table', 'AWS::S3::Bucket', 'AWS::SecretsManager::Secret'];

describe('state', () => {
  it('outlives the stack', () => {
    for (const resource of KEPT.flatMap((type) => Object.values(all(type)))) {
      expect(resource.DeletionPolicy).toBe('Retain');
    }
    for (const table of properties('AWS::DynamoDB::Table'))
      expect(table.DeletionProtectionEnabled).toBe(true);
  });

  it('goes with it when the setting says so, and no function is there to do that', () => {
    const passing = synthesize({ organizationId: 'org_test', removalPolicy: 'destroy' });
    for (const type of KEPT) passing.allResources(type, { DeletionPolicy: 'Delete' });
    passing.allResourcesProperties('AWS::DynamoDB::Table', { DeletionProtectionEnabled: false });
    passing.resourceCountIs('AWS::Lambda::Function', 6);
  });

  it('is open to nobody else', () => {
    const [bucket] = properties('AWS::S3::Bucket');
    expect(Object.values(bucket.PublicAccessBlockConfiguration)).toEqual([true, true, true, true]);
  });
});

it.each([
  ['nobody is told of alarms', { alarmEmail: undefined }, true],
  ['somebody is, by mail', { alarmEmail: 'you@example.com' }, false],
  ['somebody is, by a topic', { alarmTopicArn: 'arn:aws:sns:us-east-1:123456789012:alarms' }, false],
])('it warns when nobody is told of alarms: %s', (_, settings, isWarned) => {
  const warned = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  onTestFinished(() => warned.mockRestore());
  synthesize({ organizationId: 'org_test', ...settings });
  const sentences = warned.mock.calls.map(([sentence]) => String(sentence));
  expect(sentences.some((sentence) => sentence.includes('nobody is told of alarms'))).toBe(isWarned);
});

it('without an organization, it warns, and CloudFormation asks for one', () => {
  const warned = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  onTestFinished(() => warned.mockRestore());
  expect(synthesize({}).findParameters('OrganizationId')).toHaveProperty('OrganizationId');
  expect(warned).toHaveBeenCalledWith(expect.stringContaining('organizationId is not set'));
});
