import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import { readSettings } from '../../lib/settings.ts';
import { ModelStudioJobsStack } from '../../lib/stack.ts';

function synthesize(context: Record<string, unknown>): Template {
  const app = new App({ context });
  return Template.fromStack(
    new ModelStudioJobsStack(app, 'ModelStudioJobs', { settings: readSettings(app) }),
  );
}

// biome-ignore lint/suspicious/noExplicitAny: CloudFormation properties have no types
type Resources = Record<string, { Properties: any; DeletionPolicy?: string }>;

let template: Template;
const all = (type: string): Resources => template.findResources(type) as Resources;
const properties = (type: string) => Object.values(all(type)).map((resource) => resource.Properties);

beforeAll(() => {
  template = synthesize({ organizationId: 'org_test' });
});

describe('functions', () => {
  it('run on arm64 and Node 24 with 256 MB or more', () => {
    for (const fn of properties('AWS::Lambda::Function')) {
      expect(fn).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'], Handler: 'index.handler' });
      expect(fn.MemorySize).toBeGreaterThanOrEqual(256);
    }
    expect(properties('AWS::Lambda::Function').length).toBe(6);
  });

  it('that feed themselves are exempt from loop detection, and no other', () => {
    const exempt = properties('AWS::Lambda::Function').filter((fn) => fn.RecursiveLoop === 'Allow');
    const feeding = new Set(
      properties('AWS::Lambda::EventSourceMapping').map((m) => JSON.stringify(m.FunctionName)),
    );
    expect(exempt.length).toBe(feeding.size);
  });

  it('have logs that are forgotten', () => {
    const groups = properties('AWS::Logs::LogGroup');
    expect(groups.map((group) => group.RetentionInDays)).toEqual(Array(6).fill(30));
  });

  it('have no secret in their environment', () => {
    const text = JSON.stringify(properties('AWS::Lambda::Function').map((fn) => fn.Environment));
    expect(text).not.toMatch(/resolve:secretsmanager|whsec_/);
  });

  it('may do nothing to everything', () => {
    for (const { PolicyDocument } of properties('AWS::IAM::Policy')) {
      for (const { Action, Resource } of PolicyDocument.Statement) {
        expect([Action].flat().filter((action) => action.includes('*'))).toEqual([]);
        expect([Resource].flat()).not.toContain('*');
      }
    }
  });
});

describe('queues', () => {
  it('that feed a function have dead letters and hide a message six times as long as it may run', () => {
    const queues = all('AWS::SQS::Queue');
    const functions = all('AWS::Lambda::Function');
    const mappings = properties('AWS::Lambda::EventSourceMapping');
    expect(mappings.length).toBe(3);
    for (const { EventSourceArn, FunctionName, FunctionResponseTypes } of mappings) {
      const queue = queues[EventSourceArn['Fn::GetAtt'][0]]?.Properties;
      const fn = functions[FunctionName.Ref]?.Properties;
      expect(queue.RedrivePolicy.maxReceiveCount).toBeGreaterThanOrEqual(5);
      expect(queue.VisibilityTimeout).toBeGreaterThanOrEqual(6 * fn.Timeout);
      expect(FunctionResponseTypes).toEqual(['ReportBatchItemFailures']);
    }
  });
});

describe('state', () => {
  it('outlives the stack', () => {
    const kept = ['AWS::DynamoDB::GlobalTable', 'AWS::S3::Bucket', 'AWS::SecretsManager::Secret'];
    for (const resource of kept.flatMap((type) => Object.values(all(type)))) {
      expect(resource.DeletionPolicy).toBe('Retain');
    }
  });

  it('is open to nobody else', () => {
    const [bucket] = properties('AWS::S3::Bucket');
    expect(Object.values(bucket.PublicAccessBlockConfiguration)).toEqual([true, true, true, true]);
  });
});

describe('settings', () => {
  it('reach the functions', () => {
    const context = {
      organizationId: 'org_x',
      webhookRetryScheduleSeconds: '0,7',
      webhookPorts: '8443,9443',
    };
    const functions = Object.values(synthesize(context).findResources('AWS::Lambda::Function'));
    const [{ Properties }] = functions as [{ Properties: { Environment: { Variables: object } } }];
    expect(Properties.Environment.Variables).toMatchObject({
      MODELSTUDIO_ORGANIZATION_ID: 'org_x',
      WEBHOOK_RETRY_SCHEDULE_SECONDS: '0,7',
      WEBHOOK_PORTS: '8443,9443',
    });
  });

  it('without an organization, CloudFormation asks for one', () => {
    expect(synthesize({}).findParameters('OrganizationId')).toHaveProperty('OrganizationId');
  });

  it.each([
    [{ organisationId: 'org_x' }, 'There is no setting organisationId'],
    [{ baseUrl: 'not a url' }, 'The setting baseUrl is wrong: must be an http(s) URL'],
    [{ webhookPorts: 'https' }, 'The setting webhookPorts.0 is wrong'],
    [{ retentionDays: '1' }, 'The setting retentionDays is wrong'],
    [{ defaultWebhookUrl: 'http://x.example.com' }, 'The setting defaultWebhookUrl is wrong'],
  ])('%j stop synthesis with a sentence', (context, sentence) => {
    expect(() => synthesize(context)).toThrow(sentence);
  });
});
