import { beforeAll, describe, expect, it, vi } from 'vitest';
import { DOCUMENT_EXTRA_DAYS, LONGEST_JOB_SECONDS } from '../../functions/core/limits.ts';
import { CONCURRENCY_MAX, CONCURRENCY_MIN, splitConcurrency } from '../../lib/stages/concurrency.ts';
import { bundles, synthesize } from './synthesis.ts';

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

/** What came of it, and what it warned of. */
function heard<T>(what: () => T): [T, string[]] {
  const warned = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const made = what();
  const sentences = warned.mock.calls.map(([sentence]) => String(sentence));
  warned.mockRestore();
  return [made, sentences];
}

const variablesWith = (context: Record<string, unknown>) => variablesIn(synthesize(context));

function variablesIn(of: ReturnType<typeof synthesize>): object {
  const functions = Object.values(of.findResources('AWS::Lambda::Function'));
  const [{ Properties }] = functions as [{ Properties: { Environment: { Variables: object } } }];
  return Properties.Environment.Variables;
}

/** Under two names, the second of which it is on its way from. */
let own: ReturnType<typeof synthesize>;
/** On its way to its first name. */
let moving: ReturnType<typeof synthesize>;
let warnings: string[];

beforeAll(() => {
  template = synthesize();
  own = synthesize({ ...WITH_DOMAIN, domainName: 'jobs.example.com,old.example.com' });
  const settings = { ...WITH_DOMAIN, defaultEndpoint: 'first', concurrency: 6, throttleRate: 2501 };
  [moving, warnings] = heard(() => synthesize(settings));
});

describe('the functions', () => {
  it('run on arm64 and Node 24 with 192 MB or more', () => {
    for (const fn of properties('AWS::Lambda::Function')) {
      expect(fn).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'], Handler: 'index.handler' });
      expect(fn.MemorySize).toBeGreaterThanOrEqual(192);
    }
    expect(properties('AWS::Lambda::Function').length).toBe(7);
  });

  it("write their metrics under the stack's name", () => {
    for (const { Environment } of properties('AWS::Lambda::Function')) {
      expect(Environment.Variables.SERVICE_NAME).toBe('ModelStudioJobs');
    }
  });

  it('get the settings in their environment', () => {
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
      expect.arrayContaining([
        'request_id',
        'ip',
        'host',
        'route',
        'status',
        'latency_ms',
        'error',
        'integration_error',
      ]),
    );
    // The gateway's own refusals have no integration's status.
    expect(line.status).toBe('$context.status');
    // Its text may hold quotes, which would end ours; so may its `messageString`, whose absence is not quoted.
    expect(AccessLogSettings?.Format).not.toContain('$context.error.message');
    for (const value of Object.values(line)) {
      expect(value).toMatch(/^\$context\.[A-Za-z.]+$/);
      expect(value).not.toMatch(/header|authoriz|query|userAgent/i);
    }
  });

  it('has one address, which is its URL', () => {
    expect(template.findOutputs('ApiUrl')).toHaveProperty('ApiUrl.Value.Fn::GetAtt.1', 'ApiEndpoint');
    expect(Object.keys(template.findOutputs('*'))).toEqual(
      expect.not.arrayContaining([expect.stringContaining('Domain')]),
    );
  });

  it('uses the first of its domain names, and answers at all of them and its default address', () => {
    own.hasOutput('ApiUrl', { Value: 'https://jobs.example.com' });
    own.hasOutput('DomainName', { Value: 'jobs.example.com' });
    own.hasOutput('DomainName2', { Value: 'old.example.com' });
    for (const key of ['DomainTarget', 'DomainTargetZoneId', 'DomainTarget2', 'DomainTargetZoneId2']) {
      own.hasOutput(key, {});
    }
    own.allResourcesProperties('AWS::ApiGatewayV2::ApiMapping', { Stage: '$default' });
    own.resourceCountIs('AWS::ApiGatewayV2::ApiMapping', 2);
    own.resourcePropertiesCountIs('AWS::ApiGatewayV2::Api', { DisableExecuteApiEndpoint: true }, 0);
    expect(variablesIn(own)).toMatchObject({ API_URL: 'https://jobs.example.com' });
  });

  it('replaces no domain name when another comes first, so that both answer all the while', () => {
    const after = synthesize({ ...WITH_DOMAIN, domainName: 'old.example.com', defaultEndpoint: 'off' });
    for (const type of ['AWS::ApiGatewayV2::DomainName', 'AWS::ApiGatewayV2::ApiMapping']) {
      const kept = after.findResources(type);
      expect(own.findResources(type)).toMatchObject(kept);
      expect(Object.keys(kept)).toHaveLength(1);
    }
    after.hasResourceProperties('AWS::ApiGatewayV2::Api', { DisableExecuteApiEndpoint: true });
  });

  it('uses its default address for as long as the setting says so', () => {
    expect(moving.findOutputs('ApiUrl')).toHaveProperty('ApiUrl.Value.Fn::GetAtt.1', 'ApiEndpoint');
    moving.hasOutput('DomainTarget', {});
  });

  it('warns of a request rate that some regions do not allow', () => {
    expect(warnings.filter((sentence) => sentence.includes('throttleRate is over 2500'))).toHaveLength(1);
  });
});

describe('the queues', () => {
  const concurrencyOf = (of: ReturnType<typeof synthesize>) =>
    Object.entries(of.findResources('AWS::Lambda::EventSourceMapping')).map(([id, { Properties }]) => [
      /Poller|Collector|Deliver|Create/.exec(id)?.[0],
      Properties['ScalingConfig'].MaximumConcurrency,
    ]);

  it('share the concurrency of the functions that read from them', () => {
    expect(concurrencyOf(template)).toEqual([
      ['Deliver', 50],
      ['Poller', 50],
      ['Collector', 5],
      ['Create', 2],
    ]);
    expect(concurrencyOf(moving)).toEqual([
      ['Deliver', 2],
      ['Poller', 2],
      ['Collector', 2],
      ['Create', 2],
    ]);
  });

  it('get all of the concurrency, each within the limits of Lambda', () => {
    for (let all = CONCURRENCY_MIN; all <= CONCURRENCY_MAX; all++) {
      const { create, ...split } = splitConcurrency(all);
      const shares = Object.values(split);
      expect(create).toBe(2);
      expect(shares.reduce((sum, share) => sum + share)).toBe(all);
      expect(Math.min(...shares)).toBeGreaterThanOrEqual(2);
      expect(Math.max(...shares)).toBeLessThanOrEqual(1000);
    }
  });
});

describe('the logs', () => {
  it('are deleted after the days of the setting', () => {
    expect(properties('AWS::Logs::LogGroup').map(({ RetentionInDays }) => RetentionInDays)).toEqual(
      Array(8).fill(30),
    );
    const groups = synthesize({ organizationId: 'org_test', logRetentionDays: 7 });
    groups.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 7 });
  });

  it("have names for which CloudWatch's resource policy does not fill up", () => {
    const names = properties('AWS::Logs::LogGroup').map(({ LogGroupName }) => LogGroupName);
    expect(names.filter(Boolean)).toEqual(['/aws/vendedlogs/ModelStudioJobs/access']);
  });
});

const KEPT = ['AWS::DynamoDB::Table', 'AWS::S3::Bucket', 'AWS::SecretsManager::Secret'];

describe('the sweep', () => {
  it('is not retried when it fails, as the next one comes in a minute', () => {
    const [rule] = properties('AWS::Events::Rule');
    expect(rule.Targets).toMatchObject([{ RetryPolicy: { MaximumRetryAttempts: 0 } }]);
    expect(properties('AWS::Lambda::EventInvokeConfig')).toMatchObject([
      { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
    ]);
  });
});

describe('the storage', () => {
  it('outlives the stack', () => {
    for (const resource of KEPT.flatMap((type) => Object.values(all(type)))) {
      expect(resource).toMatchObject({
        DeletionPolicy: 'RetainExceptOnCreate',
        UpdateReplacePolicy: 'Retain',
      });
    }
  });

  it('is deleted with the stack when the setting says so, without a custom resource', () => {
    const passing = synthesize({ organizationId: 'org_test', removalPolicy: 'destroy' });
    for (const type of KEPT) passing.allResources(type, { DeletionPolicy: 'Delete' });
    passing.resourceCountIs('AWS::Lambda::Function', 7);
  });

  it('uses a table that was restored, and keeps its own beside it', () => {
    const restored = synthesize({ organizationId: 'org_test', restoredTables: 'Jobs=jobs-restored' });
    const own = { ...template.findResources('AWS::DynamoDB::Table') };
    expect(restored.findResources('AWS::DynamoDB::Table')).toEqual(own);
    const [jobsTable = ''] = Object.keys(own).filter((id) => id.startsWith('StateJobs'));
    const { Resources, Outputs } = restored.toJSON();
    const { [jobsTable]: _, ...others } = Resources;
    expect(JSON.stringify([others, Outputs])).not.toContain(jobsTable);
    const variables = Object.values(restored.findResources('AWS::Lambda::Function')).map(
      ({ Properties }) => Properties.Environment.Variables.JOBS_TABLE,
    );
    expect(new Set(variables)).toEqual(new Set(['jobs-restored']));
  });

  it('keeps documents for longer than DynamoDB may keep an expired row, and requests for a day longer than a job may wait', () => {
    const [bucket] = properties('AWS::S3::Bucket');
    expect(bucket.LifecycleConfiguration.Rules).toMatchObject([
      ...['requests/', 'sources/'].map((Prefix) => ({
        Prefix,
        ExpirationInDays: LONGEST_JOB_SECONDS / 86_400 + 1,
      })),
      ...['events/', 'results/', 'plans/', 'unreadable/'].map((Prefix) => ({
        Prefix,
        ExpirationInDays: 30 + DOCUMENT_EXTRA_DAYS,
      })),
      { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } },
    ]);
  });

  it('keeps an upload for as long as jobs name it: no rule expires one by its age', () => {
    const [bucket] = properties('AWS::S3::Bucket');
    const rules: { Prefix?: string; ExpirationInDays?: number }[] = bucket.LifecycleConfiguration.Rules;
    const expiring = rules.filter(({ ExpirationInDays }) => ExpirationInDays !== undefined);
    expect(expiring.filter(({ Prefix = '' }) => 'uploads/'.startsWith(Prefix))).toEqual([]);
  });

  it('has the same logical ids as ever, as another one would replace it with something empty', () => {
    const ids = [...KEPT, 'AWS::SQS::Queue'].flatMap((type) => Object.keys(all(type)));
    expect(ids).toEqual([
      ...[
        'StateJobs0C440253',
        'StateDocuments4D78FF2A',
        'StateDurationStats71E835AE',
        'StateClientKeys868C500B',
      ],
      ...['StateBucket77825682', 'StateModelStudioApiKey15984641', 'StateWebhookSecret5B7EF1CC'],
      ...['DeliverDeadLettersD078C516', 'DeliverQueueC534834E'],
      ...['PollDeadLetters89203ED9', 'PollQueueA3314A34'],
      ...['PollCollectDeadLetters58EB87F1', 'PollCollectQueueBDD6ABB0'],
      ...['CreateDeadLettersC0020D8C', 'CreateQueue751D17CE'],
    ]);
  });

  it('is not public', () => {
    const [bucket] = properties('AWS::S3::Bucket');
    expect(Object.values(bucket.PublicAccessBlockConfiguration)).toEqual([true, true, true, true]);
  });
});

it.each([
  ['nobody is notified of alarms', { alarmEmail: undefined }, true],
  ['somebody is, by mail', { alarmEmail: 'you@example.com' }, false],
  ['somebody is, by a topic', { alarmTopicArn: 'arn:aws:sns:us-east-1:123456789012:alarms' }, false],
])('the app warns if nobody is notified of alarms: %s', (_, settings, isWarned) => {
  const [, sentences] = heard(() => synthesize({ organizationId: 'org_test', ...settings }));
  expect(sentences.some((sentence) => sentence.includes('nobody is notified of alarms'))).toBe(isWarned);
});

it('the app warns if there is no organization, and CloudFormation asks for one', () => {
  const [asking, sentences] = heard(() => synthesize({}));
  const AllowedPattern = '[A-Za-z0-9][A-Za-z0-9._-]{0,127}';
  expect(asking.findParameters('OrganizationId')).toMatchObject({ OrganizationId: { AllowedPattern } });
  expect(sentences).toContainEqual(expect.stringContaining('organizationId is not set'));
  expect(sentences).not.toContainEqual(expect.stringContaining('throttleRate'));
});

it('the bundles of the functions are removed when they were copied', () => {
  expect([...bundles]).toEqual([]);
});

it('dead letters are kept for two weeks, as long as SQS can', () => {
  const queues = all('AWS::SQS::Queue');
  const dead = properties('AWS::SQS::Queue').flatMap(({ RedrivePolicy }) =>
    RedrivePolicy ? [RedrivePolicy.deadLetterTargetArn['Fn::GetAtt'][0]] : [],
  );
  const kept = dead.map((id) => queues[id]?.Properties.MessageRetentionPeriod);
  expect(kept).toEqual(Array(4).fill(14 * 86_400));
});

it('the function that delivers has threads enough for many slow name servers', () => {
  const threads = properties('AWS::Lambda::Function').flatMap(
    ({ Environment }) => Environment.Variables.UV_THREADPOOL_SIZE ?? [],
  );
  expect(threads).toEqual(['64']);
});

it.each([
  ['ModelStudioSecretArn', /^StateModelStudioApiKey/],
  ['WebhookSecretArn', /^StateWebhookSecret/],
])('the output %s is of the secret with that name', (output, secret) => {
  const { Value } = template.findOutputs(output)[output] as { Value: { Ref: string } };
  expect(Value.Ref).toMatch(secret);
});

it('the signing secret that is generated is base64 of 32 bytes or more', () => {
  const generated = properties('AWS::SecretsManager::Secret').flatMap(
    ({ GenerateSecretString }) => GenerateSecretString?.PasswordLength ?? [],
  );
  expect(generated.map((length) => [length % 4, (length / 4) * 3 >= 32])).toContainEqual([0, true]);
});

it('each domain has its own certificate, if there are several', () => {
  const arnOf = (id: string) => `arn:aws:acm:eu-central-1:123456789012:certificate/${id}`;
  const names = ['a.example.com', 'b.example.com'];
  const two = synthesize({
    ...WITH_DOMAIN,
    domainName: names.join(','),
    certificateArn: `${arnOf('1-a')},${arnOf('1-b')}`,
  });
  const given = Object.values(two.findResources('AWS::ApiGatewayV2::DomainName')).map(({ Properties }) => [
    Properties.DomainName,
    Properties.DomainNameConfigurations[0].CertificateArn,
  ]);
  expect(Object.fromEntries(given)).toEqual({
    [names[0] ?? '']: arnOf('1-a'),
    [names[1] ?? '']: arnOf('1-b'),
  });
});
