import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CfnResource, NestedStack, RemovalPolicies, Stack, Stage, Tags } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { Construct } from 'constructs';
import { describe, expect, it } from 'vitest';
import { DETAIL } from '../../lib/finishing.ts';
import { ModelStudioJobs } from '../../lib/index.ts';
import { addJobs, inApp, synthesize, templateWith } from './synthesis.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

// biome-ignore lint/suspicious/noExplicitAny: a template has no types
type Resources = Record<string, { Type: string; Properties?: any; DependsOn?: string[] }>;

const resourcesIn = (template: object) => (template as { Resources: Resources }).Resources;
const typesIn = (template: object) => new Set(Object.values(resourcesIn(template)).map(({ Type }) => Type));
const ofType = (template: object, type: string) =>
  Object.values(resourcesIn(template)).filter(({ Type }) => Type === type);

/** A customer's own, which breaks most of the rules that hold for a deployment. */
function addPlainFunction(scope: Construct, id = 'Plain'): LambdaFunction {
  return new LambdaFunction(scope, id, {
    code: Code.fromInline('exports.handler = async () => {}'),
    handler: 'index.handler',
    runtime: Runtime.NODEJS_24_X,
    environment: { SIGNING: 'whsec_c2VjcmV0' },
  });
}

const arnElsewhere = (service: string, id: string) => `arn:aws:${service}:us-east-1:123456789012:${id}`;

describe('an app with two deployments in a stack, one in a stage, and resources of its own that break the rules', () => {
  const context = {
    '@aws-cdk/core:bootstrapQualifier': 'acme01',
    '@aws-cdk/core:permissionsBoundary': { name: 'acme-boundary' },
  };
  const { shop, stage, findings } = inApp((app) => {
    const stack = new Stack(app, 'Shop');
    const orders = addJobs(stack, 'Orders');
    const mails = addJobs(stack, 'Mails');
    orders.grantSubmit(addPlainFunction(stack));
    const unsafe = new Queue(stack, 'Unsafe');
    mails.onFinished('Told', { targets: [new SqsQueue(unsafe)] });
    const prod = new Stack(new Stage(app, 'Prod'), 'Shop');
    addJobs(prod, 'Orders').grantSubmit(addPlainFunction(prod));
    for (const tagged of [stack, prod]) Tags.of(tagged).add('cost-center', 'c1');
    const { violations } = new AwsSolutionsChecks(app).validateScope(app);
    const paths = violations.flatMap(({ violatingResources }) =>
      violatingResources.map(({ constructPath = '' }) => constructPath),
    );
    app.synth();
    return {
      shop: Template.fromStack(stack).toJSON(),
      stage: Template.fromStack(prod).toJSON(),
      findings: [...new Set(paths.map((path) => path.replace(/\/Resource$/, '')))],
    };
  }, context);

  it("synthesizes, and cdk-nag objects to the customer's own alone", () => {
    expect(findings.sort()).toEqual(['Prod/Shop/Plain/ServiceRole', 'Shop/Plain/ServiceRole', 'Shop/Unsafe']);
  });

  it('has no name twice', () => {
    const named = ['AlarmName', 'DashboardName', 'LogGroupName', 'Name'];
    const names = Object.values(resourcesIn(shop)).flatMap(({ Type, Properties = {} }) =>
      named.flatMap((key) => (typeof Properties[key] === 'string' ? `${Type} ${Properties[key]}` : [])),
    );
    expect(names.length).toBeGreaterThan(60);
    // Those of APIs are for people: AWS tells them apart by their ids.
    const twice = names.filter((name, i) => names.indexOf(name) !== i);
    expect(twice).toEqual(['AWS::ApiGatewayV2::Api HttpApi']);
    const services = [...JSON.stringify(shop).matchAll(/"Name":"service","Value":"([^"]+)"/g)];
    expect(new Set(services.map(([, name]) => name))).toEqual(new Set(['Shop_Orders', 'Shop_Mails']));
  });

  it('has the permissions boundary on every role, its tags, and the assets of its bootstrap', () => {
    for (const template of [shop, stage]) {
      for (const { Properties } of ofType(template, 'AWS::IAM::Role'))
        expect(JSON.stringify(Properties.PermissionsBoundary)).toContain('acme-boundary');
      for (const { Properties } of ofType(template, 'AWS::DynamoDB::Table'))
        expect(Properties.Tags).toContainEqual({ Key: 'cost-center', Value: 'c1' });
      expect(JSON.stringify(template)).toContain('cdk-acme01-assets-');
      expect(JSON.stringify(template)).not.toContain('hnb659fds');
    }
  });

  it('is called after its stage in that', () => {
    expect(JSON.stringify(stage)).toContain('"Prod-Shop_Orders-sweeper-not-running"');
  });

  it('gives a function that may submit the URL, and of the key no more than where it is', () => {
    const [plain] = ofType(shop, 'AWS::Lambda::Function').filter(({ Properties }) => Properties.Code.ZipFile);
    const { SIGNING, ...variables } = plain?.Properties.Environment.Variables ?? {};
    expect(Object.keys(variables)).toEqual(['MODELSTUDIO_JOBS_URL', 'MODELSTUDIO_JOBS_KEY_SECRET_ARN']);
    const [key] = Object.entries(resourcesIn(shop)).filter(
      ([, { Type }]) => Type === 'Custom::ModelStudioClientKey',
    );
    // By way of what makes the key, so that the function is deployed after it.
    expect(variables.MODELSTUDIO_JOBS_KEY_SECRET_ARN).toEqual({ 'Fn::GetAtt': [key?.[0], 'SecretArn'] });
    expect(key?.[1].Properties.Client).toBe('Shop/Plain');
  });

  it('has one table with a stream, and one pipe, whose events a rule takes by the deployment', () => {
    const streams = ofType(shop, 'AWS::DynamoDB::Table').filter(
      ({ Properties }) => Properties.StreamSpecification,
    );
    expect(streams).toHaveLength(1);
    const [pipe, ...others] = ofType(shop, 'AWS::Pipes::Pipe');
    expect(others).toEqual([]);
    expect(pipe?.Properties.TargetParameters.InputTemplate).toMatch(
      /^\{"deployment": "Shop_Mails", "job_id": <\$\./,
    );
    const [rule] = ofType(shop, 'AWS::Events::Rule').filter(({ Properties }) => Properties.EventPattern);
    expect(rule?.Properties.EventPattern.detail).toEqual({ deployment: ['Shop_Mails'] });
  });
});

it('a deployment that nobody grants or listens to has nothing of either, and the ids of the plain app after its own', () => {
  const template = templateWith(['Jobs']);
  expect([...typesIn(template)].filter((type) => /^Custom::|Pipes/.test(type))).toEqual([]);
  expect(JSON.stringify(template)).not.toContain('StreamSpecification');
  // Some hold the id of another resource as a whole, and no command looks for these.
  const idsIn = (of: object) =>
    Object.keys(of)
      .map((id) => id.replace(/[0-9A-F]{8}$/, ''))
      .filter((id) => !/EventSource|AllowEventRule/.test(id))
      .sort();
  const { Outputs, Resources } = synthesize().toJSON() as Record<'Outputs' | 'Resources', object>;
  expect(idsIn(resourcesIn(template))).toEqual(idsIn(Resources).map((id) => `Jobs${id}`));
  const outputs = idsIn((template as unknown as { Outputs: object }).Outputs);
  expect(outputs).toEqual([...idsIn(Outputs), 'DeploymentName'].map((id) => `Jobs${id}`).sort());
});

describe('docs/construct.md', () => {
  const page = readFileSync(join(root, 'docs/construct.md'), 'utf8');
  const fence = (language: string) => page.split(`\n\`\`\`${language}\n`)[1]?.split('\n```')[0] ?? '';

  it('begins with an app that synthesizes, its tokens for ARNs included', async (context) => {
    mkdirSync(join(root, 'dist'), { recursive: true });
    const folder = mkdtempSync(join(root, 'dist', 'construct-page-'));
    context.onTestFinished(() => rmSync(folder, { recursive: true }));
    const here = fence('ts')
      .replace("'modelstudio-jobs'", "'../../lib/index.ts'")
      .replace('new App()', `new App({ outdir: '${folder}/cdk.out' })`);
    writeFileSync(join(folder, 'app.ts'), `${here}\nexport { stack };\n`);
    const { stack } = (await import(join(folder, 'app.ts'))) as { stack: Stack };
    const text = JSON.stringify(Template.fromStack(stack).toJSON());
    const expected = ['AWS::Pipes::Pipe', 'Custom::ModelStudioClientKey', 'Shop_Jobs-sweeper-not-running'];
    for (const part of expected) expect(text).toContain(part);
    expect(text).not.toMatch(/\$\{Token\[/);
  });

  it('has the event as it is told', () => {
    const { detail } = JSON.parse(fence('json'));
    expect(Object.keys(detail)).toEqual(['deployment', ...Object.keys(DETAIL)]);
  });
});

it('functions of one client share a key, whatever stack they are in, and a grant may be repeated', () => {
  inApp((app) => {
    const stack = new Stack(app, 'Shop');
    const jobs = addJobs(stack, 'Jobs');
    const elsewhere = addPlainFunction(new Stack(app, 'Elsewhere'));
    for (const fn of [addPlainFunction(stack), elsewhere, elsewhere]) jobs.grantSubmit(fn, 'web');
    expect(ofType(Template.fromStack(stack).toJSON(), 'Custom::ModelStudioClientKey')).toHaveLength(1);
    expect(JSON.stringify(Template.fromStack(Stack.of(elsewhere)).toJSON())).toContain(
      'secretsmanager:GetSecretValue',
    );
  });
});

it.each(['', ' web', 'a\nb', 'x'.repeat(129)])('%j cannot be the name of a client', (client) => {
  inApp((app) => {
    const stack = new Stack(app, 'Shop');
    expect(() => addJobs(stack, 'Jobs').grantSubmit(addPlainFunction(stack), client)).toThrow(
      'A client cannot have this name',
    );
  });
});

it('a function submits to one deployment as one client, as its variables name one', () => {
  inApp((app) => {
    const stack = new Stack(app, 'Shop');
    const fn = addPlainFunction(stack);
    const orders = addJobs(stack, 'Orders');
    orders.grantSubmit(fn);
    const named = 'its variables name Shop/Orders as Shop/Plain.';
    const grant = () => addJobs(stack, 'Mails').grantSubmit(fn);
    expect(grant).toThrow(`Shop/Plain cannot submit to Shop/Mails as Shop/Plain: ${named}`);
    expect(() => orders.grantSubmit(fn, 'web')).toThrow(`cannot submit to Shop/Orders as web: ${named}`);
  });
});

it('a deployment works in a nested stack', () => {
  inApp((app) => {
    const nested = new NestedStack(new Stack(app, 'Shop'), 'Nested');
    addJobs(nested, 'Jobs');
    app.synth();
    expect(typesIn(Template.fromStack(nested).toJSON())).toContain('AWS::CloudWatch::Dashboard');
  });
});

it('a rule that is broken inside of a deployment stops the synthesis, with its path', () => {
  inApp((app) => {
    const jobs = addJobs(new Stack(app, 'Shop'), 'Jobs');
    const queue = jobs.node.findChild('Poll').node.findChild('Poll').node.findChild('Queue');
    (queue.node.defaultChild as CfnResource).addPropertyOverride('VisibilityTimeout', 1);
    expect(() => app.synth()).toThrow('[Shop/Jobs] Poll/Poll/Queue hides a message for 1 s');
  });
});

it('an app may retain all that it has', () => {
  inApp((app) => {
    addJobs(new Stack(app, 'Shop'), 'Jobs');
    RemovalPolicies.of(app).retain();
    expect(() => app.synth()).not.toThrow();
  });
});

it('settings are refused with the sentences of the app', () => {
  const wrong = { retentionDays: 1, colour: 'red' } as object;
  expect(() => templateWith(['Jobs'], wrong)).toThrow(
    /retentionDays must be a whole number[\s\S]*There is no setting colour/,
  );
  expect(() => templateWith(['Jobs'], { stackName: 'x' } as object)).toThrow('There is no setting stackName');
  inApp((app) => {
    const none = () => new ModelStudioJobs(new Stack(app, 'Shop'), 'Jobs', null as never);
    expect(none).toThrow('The settings must be an object.');
  });
});

it.each([
  ['certificate', { domainName: ['a.example.com'], certificateArn: [arnElsewhere('acm', 'certificate/x')] }],
  ['topic', { alarmTopicArn: arnElsewhere('sns', 'alarms'), alarmEmail: undefined }],
])('a %s in another region than the stack is refused, if that is known', (_what, settings) => {
  inApp((app) => {
    const stack = new Stack(app, 'Shop', { env: { account: '123456789012', region: 'eu-central-1' } });
    const add = () => addJobs(stack, 'Jobs', settings as object);
    expect(add).toThrow("must be in one region, the stack's own");
  });
});
