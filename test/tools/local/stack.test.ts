import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { startLocalStack } from '../../../tools/local/stack/stack.ts';
import { API_SOURCE, synthesizeFixtureStack, WORKER_SOURCE } from './fixture-stack.ts';
import { eventually, startStack, writeFiles, writeStack } from './fixtures.ts';

describe('a synthesized stack', () => {
  it('runs on a laptop as its template says', async ({ onTestFinished }) => {
    const directory = writeFiles({ 'api/index.js': API_SOURCE, 'worker/index.js': WORKER_SOURCE });
    const templateFile = synthesizeFixtureStack(path.join(directory, 'cdk.out'), {
      api: path.join(directory, 'api'),
      worker: path.join(directory, 'worker'),
    });
    const lines: string[] = [];
    const timers = vi.spyOn(globalThis, 'setInterval');
    const stack = await startLocalStack({
      templateFile,
      environment: { GREETING: 'from the laptop', UNKNOWN: 'never seen' },
      extraEnvironment: { EXTRA: 'for everyone' },
      secrets: { 'Signing/Secret': 's3cr3t' },
      onLog: ({ functionName, line }) => lines.push(`${functionName}: ${line}`),
    });
    onTestFinished(() => stack.close());

    expect(stack.outputs).toMatchObject({ ApiUrl: `${stack.apiUrl}/`, TableName: stack.resolve('Table') });
    expect(stack.warnings).toEqual([expect.stringContaining('cron(* 3 * * ? *) never fires')]);
    const worker = Object.values(stack.functions).find(({ settings }) => settings.name.includes('Worker'));
    expect(worker?.settings.environment).not.toHaveProperty('UNKNOWN');

    const shown = async () => (await fetch(`${stack.apiUrl}/orders`)).json();
    const accepted = await fetch(`${stack.apiUrl}/orders`, {
      method: 'POST',
      body: 'tea',
      headers: { 'content-type': 'text/plain' },
    });
    expect([accepted.status, accepted.headers.get('location')]).toEqual([202, `${stack.apiUrl}/orders`]);
    await eventually(async () =>
      expect(await shown()).toEqual({
        greeting: 'from the laptop',
        extra: 'for everyone',
        receipt: 'tea signed s3cr3t',
      }),
    );

    await fetch(`${stack.apiUrl}/orders`, {
      method: 'POST',
      body: 'hang',
      headers: { 'content-type': 'text/plain' },
    });
    await eventually(() => expect(lines.join('\n')).toContain('hanging'));
    expect(worker?.kill()).toBe(1);
    await eventually(async () => expect(await shown()).toMatchObject({ receipt: 'hang signed s3cr3t' }));

    const [everyMinute] = timers.mock.calls.find(([, milliseconds]) => milliseconds === 60_000) ?? [];
    everyMinute?.();
    await eventually(() => expect(lines.join('\n')).toMatch(/fired .*"source":"aws\.scheduler"/));
  });
});

const IDLE_FUNCTION = {
  Type: 'AWS::Lambda::Function',
  Properties: { Code: { S3Key: 'idle.zip' }, Handler: 'index.handler', Runtime: 'nodejs24.x', Timeout: 60 },
};

/** An API that gives every request to one function. */
const apiOf = (functionId: string) => ({
  Api: { Type: 'AWS::ApiGatewayV2::Api', Properties: { Name: 'api', ProtocolType: 'HTTP' } },
  Integration: {
    Type: 'AWS::ApiGatewayV2::Integration',
    Properties: {
      ApiId: { Ref: 'Api' },
      IntegrationType: 'AWS_PROXY',
      IntegrationUri: { 'Fn::GetAtt': [functionId, 'Arn'] },
      PayloadFormatVersion: '2.0',
    },
  },
  Route: {
    Type: 'AWS::ApiGatewayV2::Route',
    Properties: {
      RouteKey: '$default',
      Target: { 'Fn::Join': ['/', ['integrations', { Ref: 'Integration' }]] },
    },
  },
});

const SECOND_BUNDLE = "exports.handler = async () => 'second';";

describe('an update to another template', () => {
  const withApi = (key: string, more: object = {}) => ({
    Resources: {
      Front: {
        ...IDLE_FUNCTION,
        Properties: { ...IDLE_FUNCTION.Properties, Code: { S3Key: `${key}.zip` } },
      },
      Queue: { Type: 'AWS::SQS::Queue' },
      Mapping: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: { EventSourceArn: { 'Fn::GetAtt': ['Queue', 'Arn'] }, FunctionName: { Ref: 'Front' } },
      },
      ...apiOf('Front'),
      ...more,
    },
  });
  const tableOf = (key: string) => ({
    Table: {
      Type: 'AWS::DynamoDB::Table',
      Properties: {
        AttributeDefinitions: [{ AttributeName: key, AttributeType: 'S' }],
        KeySchema: [{ AttributeName: key, KeyType: 'HASH' }],
      },
    },
  });

  it('answers with the new code at the same URL, and lets the old one end what it has begun', async () => {
    const first = `exports.handler = async (event) => {
      if (event.Records) return {};
      await new Promise((resolve) => setTimeout(resolve, 300));
      return 'first';
    };`;
    const stack = await startStack(withApi('first', tableOf('id')), { first });
    const answerTo = () => fetch(stack.apiUrl).then((response) => response.text());
    const begun = answerTo();
    await eventually(() => expect(stack.functions['Front']?.busyCount).toBe(1));
    await stack.update(writeStack(withApi('second', tableOf('id')), { second: SECOND_BUNDLE }));
    expect([await begun, await answerTo()]).toEqual(['first', 'second']);
  });

  it('is refused where it would change a table, and leaves the old one running', async () => {
    const stack = await startStack(withApi('second', tableOf('id')), { second: SECOND_BUNDLE });
    const changed = writeStack(withApi('second', tableOf('other')), { second: SECOND_BUNDLE });
    await expect(stack.update(changed)).rejects.toThrow('Table: ');
    expect(await fetch(stack.apiUrl).then((response) => response.text())).toBe('second');
  });
});

describe('closing the stack', () => {
  it('waits for no invocation, no request and no long poll', async () => {
    const stack = await startStack(
      {
        Resources: {
          Idle: IDLE_FUNCTION,
          Queue: { Type: 'AWS::SQS::Queue' },
          Mapping: {
            Type: 'AWS::Lambda::EventSourceMapping',
            Properties: { EventSourceArn: { 'Fn::GetAtt': ['Queue', 'Arn'] }, FunctionName: { Ref: 'Idle' } },
          },
          ...apiOf('Idle'),
        },
      },
      { idle: 'exports.handler = () => { for (;;); };' },
    );
    const answer = fetch(stack.apiUrl).then(
      ({ status }) => status,
      () => 'cut off',
    );
    await eventually(() => expect(stack.functions['Idle']?.busyCount).toBe(1));
    const startedAt = performance.now();
    await Promise.all([stack.close(), stack.close()]);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect([500, 'cut off']).toContain(await answer);
    await expect(fetch(stack.apiUrl)).rejects.toThrow('fetch failed');
  });

  it('also follows a start that failed', async () => {
    const resources = { Table: { Type: 'AWS::DynamoDB::Table', Properties: { KeySchema: [] } } };
    await expect(startStack({ Resources: resources })).rejects.toThrow('Table: ');
  });
});

describe('the laptop names what it cannot do:', () => {
  it.each<[string, Record<string, { Type: string; Properties?: Record<string, unknown> }>, string]>([
    ['a resource type', { Stream: { Type: 'AWS::Kinesis::Stream' } }, 'Stream (AWS::Kinesis::Stream)'],
    [
      'an intrinsic',
      { Queue: { Type: 'AWS::SQS::Queue', Properties: { DelaySeconds: { 'Fn::ImportValue': 'x' } } } },
      'Queue (AWS::SQS::Queue), DelaySeconds: the intrinsic Fn::ImportValue',
    ],
    [
      'a runtime',
      { Function: { ...IDLE_FUNCTION, Properties: { ...IDLE_FUNCTION.Properties, Runtime: 'python3.14' } } },
      'Function: only a Node.js function',
    ],
    ['an unknown asset', { Function: IDLE_FUNCTION }, 'no asset with the object key idle.zip'],
    [
      'a mapping without a queue',
      {
        Mapping: {
          Type: 'AWS::Lambda::EventSourceMapping',
          Properties: { EventSourceArn: 'arn:x', FunctionName: 'f' },
        },
      },
      'Mapping: arn:x is not a queue',
    ],
    [
      'an authorizer',
      {
        Route: {
          Type: 'AWS::ApiGatewayV2::Route',
          Properties: { RouteKey: '$default', Target: 'integrations/x', AuthorizationType: 'JWT' },
        },
      },
      'Route: ',
    ],
    [
      'a second API',
      {
        One: { Type: 'AWS::ApiGatewayV2::Api', Properties: { ProtocolType: 'HTTP' } },
        Two: { Type: 'AWS::ApiGatewayV2::Api', Properties: { ProtocolType: 'HTTP' } },
      },
      'One, Two',
    ],
  ])('%s', async (_name, Resources, message) => {
    await expect(startStack({ Resources })).rejects.toThrow(message);
  });

  it('a property, as a warning', async () => {
    const { warnings } = await startStack({
      Resources: {
        Bucket: { Type: 'AWS::S3::Bucket', Properties: { NotificationConfiguration: {}, Tags: [] } },
      },
    });
    expect(warnings).toEqual(['Bucket (AWS::S3::Bucket): NotificationConfiguration has no local equivalent']);
  });

  it('a secret that the template does not have', async () => {
    await expect(startStack({ Resources: {} }, {}, { secrets: { Nobody: 'x' } })).rejects.toThrow(
      'no secret Nobody',
    );
  });

  it('a parameter without a value, unless it is given one', async () => {
    const template = {
      Parameters: { Tier: { Type: 'String' }, Size: { Type: 'String', Default: 'small' } },
      Resources: {},
      Outputs: { Both: { Value: { 'Fn::Join': ['-', [{ Ref: 'Tier' }, { Ref: 'Size' }]] } } },
    };
    await expect(startStack(template)).rejects.toThrow('Output Both: Ref Tier has no value');
    expect((await startStack(template, {}, { parameters: { Tier: 'gold' } })).outputs).toEqual({
      Both: 'gold-small',
    });
  });

  it('only resources whose condition is true', async () => {
    const { outputs } = await startStack({
      Conditions: { Never: { 'Fn::Equals': ['a', 'b'] } },
      Resources: { Queue: { Type: 'AWS::SQS::Queue', Condition: 'Never', Properties: { DelaySeconds: -1 } } },
      Outputs: {
        Never: { Value: { Ref: 'Queue' }, Condition: 'Never' },
        Always: { Value: { 'Fn::Sub': `\${AWS::StackName} in \${AWS::Region}` } },
      },
    });
    expect(outputs).toEqual({ Always: 'Fixture in us-east-1' });
  });
});
