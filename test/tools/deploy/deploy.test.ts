import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWith, PATIENCE_MILLIS } from '../../needs.ts';
import { assemble } from '../../stack/synthesis.ts';
import { type Account, accountAt } from './account.ts';
import { type Endpoint, startEndpoint } from './endpoint.ts';

const STACK = 'ModelStudioJobs';
const KEPT = 'RetainExceptOnCreate';
/** A second stack, deployed twice, takes as long as all else: SECOND_STACK=yes npx vitest run FILE */
const hasSecond = process.env['SECOND_STACK'] === 'yes';

/** How AWS is asked what there is of a type, by its physical ids. */
const LISTS: Record<string, (account: Account) => Promise<unknown[]>> = {
  'AWS::ApiGatewayV2::Api': async ({ apis }) => (await apis()).map((api) => api.apiId),
  'AWS::CloudWatch::Alarm': async ({ alarms }) => (await alarms()).map((alarm) => alarm.AlarmName),
  'AWS::DynamoDB::Table': ({ tables }) => tables(),
  'AWS::Events::Rule': async ({ rules }) => (await rules()).map((rule) => rule.Name),
  'AWS::Lambda::EventSourceMapping': async ({ mappings }) => (await mappings()).map(({ UUID }) => UUID),
  'AWS::Lambda::Function': async ({ functions }) => (await functions()).map((fn) => fn.FunctionName),
  'AWS::Logs::LogGroup': async ({ logGroups }) => (await logGroups()).map((group) => group.logGroupName),
  'AWS::S3::Bucket': async ({ buckets }) => (await buckets()).map((bucket) => bucket.Name),
  'AWS::SecretsManager::Secret': async ({ secrets }) => (await secrets()).map((secret) => secret.ARN),
  // moto names a queue by its own address when it lists them, by AWS's when it makes them.
  'AWS::SQS::Queue': async ({ queues }) =>
    (await queues()).map((url) => `https://sqs.us-east-1.amazonaws.com${new URL(url).pathname}`),
};
const TYPES = Object.keys(LISTS);

// biome-ignore lint/suspicious/noExplicitAny: CloudFormation properties have no types
type Resource = { Type: string; Properties: any; DeletionPolicy?: string };

interface Deployed {
  template: { Resources: Record<string, Resource> };
  ids: Record<string, string>;
}

let endpoint: Endpoint;
let account: Account;
let template: Deployed['template'];
let ids: Deployed['ids'];
/** After it is destroyed, a stack is found by this alone. */
let stackId: string;

/** Those of the template, as far as the account has them. */
async function present(type: string, stack: Deployed = { template, ids }): Promise<string[]> {
  const listed = new Set(await LISTS[type]?.(account));
  return idsOf(type, undefined, stack).filter((id) => listed.has(id));
}

/** All that the account has, whosoever it is. */
async function everything(): Promise<Record<string, unknown[]>> {
  const lists = TYPES.map(async (type) => [type, (await LISTS[type]?.(account))?.sort()] as const);
  return Object.fromEntries(await Promise.all(lists)) as Record<string, unknown[]>;
}

const ofType = (type: string, of = template) =>
  Object.entries(of.Resources).filter(([, { Type }]) => Type === type);

function idsOf(type: string, policy?: string, stack: Deployed = { template, ids }): string[] {
  return ofType(type, stack.template)
    .filter(([, { DeletionPolicy }]) => !policy || DeletionPolicy === policy)
    .map(([logicalId]) => stack.ids[logicalId] ?? `nothing for ${logicalId}`);
}

async function deployedAs(stackName: string, assembly: string): Promise<Deployed> {
  return {
    template: JSON.parse(readFileSync(join(assembly, `${stackName}.template.json`), 'utf8')),
    ids: await account.physicalIds(stackName),
  };
}

const nameOf = (arn = '') => arn.split(':').at(-1) ?? '';

await describeWith(
  'python3 with moto[server]',
  ['python3', '-c', 'import boto3, moto.server'],
  'a deployment by cdk to an endpoint like those of AWS',
  () => {
    let said: string;

    beforeAll(async () => {
      endpoint = await startEndpoint();
      account = accountAt(endpoint.url);
      await endpoint.cdk('bootstrap', 'aws://123456789012/us-east-1', '--app', '');
      const settings = ['-c', 'organizationId=org_test', '--output', endpoint.assembly];
      said = await endpoint.cdk('deploy', ...settings, '--require-approval', 'never');
      ({ template, ids } = await deployedAs(STACK, endpoint.assembly));
      stackId = (await account.stack(STACK))?.StackId ?? '';
    }, PATIENCE_MILLIS);

    afterAll(() => endpoint?.close());

    it('the deployment completes, and has the outputs that the README uses', async () => {
      expect(endpoint.faults()).toBe('');
      expect((await account.stack(STACK))?.StackStatus).toBe('CREATE_COMPLETE');
      for (const output of ['ApiUrl', 'ClientKeysTable', 'ModelStudioSecretArn', 'WebhookSecretArn']) {
        expect(said).toMatch(new RegExp(`${STACK}\\.${output} = \\S+`));
      }
    });

    it('the deployment creates every resource of the template', () => {
      expect(Object.keys(ids).sort()).toEqual(Object.keys(template.Resources).sort());
    });

    it.each(TYPES)('the deployment creates what can then be found: %s', async (type) => {
      expect(idsOf(type).length).toBeGreaterThan(0);
      expect(await present(type)).toEqual(idsOf(type));
    });

    // The endpoint makes no bucket policies, and heeds neither the time to live and the backups of tables nor the
    // lifecycle and the public access of buckets nor the architecture of functions: what the tests of the
    // synthesized template say of these holds for the deployed one.
    it('the deployment has the synthesized template', async () => {
      expect(await account.template(STACK)).toEqual(template);
    });

    it('the deployment gives tables their keys and indexes', async () => {
      for (const [logicalId, { Properties }] of ofType('AWS::DynamoDB::Table')) {
        const { KeySchema, GlobalSecondaryIndexes = [] } = Properties;
        expect(await account.table(ids[logicalId] ?? '')).toMatchObject({
          TableStatus: 'ACTIVE',
          KeySchema,
          GlobalSecondaryIndexes,
        });
      }
    });

    it('the deployment gives functions their code and all of their variables', async () => {
      const functions = new Map((await account.functions()).map((fn) => [fn.FunctionName, fn]));
      for (const [logicalId, { Properties }] of ofType('AWS::Lambda::Function')) {
        const fn = functions.get(ids[logicalId]);
        expect(fn).toMatchObject({ State: 'Active', Runtime: 'nodejs24.x', Handler: 'index.handler' });
        expect(fn?.CodeSize).toBeGreaterThan(10_000);
        expect(Object.keys(fn?.Environment?.Variables ?? {})).toEqual(
          Object.keys(Properties.Environment.Variables),
        );
      }
    });

    it('the deployment feeds functions from queues whose dead-letter queues exist', async () => {
      const queues = await Promise.all(idsOf('AWS::SQS::Queue').map((url) => account.queue(url)));
      const byArn = new Map(queues.map((queue) => [queue.QueueArn, queue]));
      for (const mapping of await account.mappings()) {
        expect(mapping).toMatchObject({
          State: 'Enabled',
          FunctionResponseTypes: ['ReportBatchItemFailures'],
        });
        expect(idsOf('AWS::Lambda::Function')).toContain(nameOf(mapping.FunctionArn));
        const { RedrivePolicy = '{}' } = byArn.get(mapping.EventSourceArn) ?? {};
        const { deadLetterTargetArn, maxReceiveCount } = JSON.parse(RedrivePolicy);
        expect(maxReceiveCount).toBeGreaterThan(1);
        expect(byArn.get(deadLetterTargetArn)).toBeDefined();
      }
    });

    it('the deployment routes requests to functions that the gateway may call', async () => {
      const [apiId = ''] = idsOf('AWS::ApiGatewayV2::Api');
      const integrations = await account.integrations(apiId);
      const routes = await account.routes(apiId);
      expect(routes.map(({ routeKey }) => routeKey).sort()).toEqual(
        ofType('AWS::ApiGatewayV2::Route')
          .map(([, { Properties }]) => Properties.RouteKey)
          .sort(),
      );
      for (const { target } of routes) {
        const found = integrations.find(({ integrationId }) => target === `integrations/${integrationId}`);
        const [permission] = await account.permissions(nameOf(found?.integrationUri));
        expect(permission.Principal).toEqual({ Service: 'apigateway.amazonaws.com' });
        expect(JSON.stringify(permission.Condition)).toContain(`:${apiId}/`);
      }
    });

    it('the deployment sweeps every minute', async () => {
      const [Name = ''] = idsOf('AWS::Events::Rule');
      const rules = await account.rules();
      expect(rules.find((rule) => rule.Name === Name)).toMatchObject({
        ScheduleExpression: 'rate(1 minute)',
        State: 'ENABLED',
      });
      const [target] = await account.ruleTargets(Name);
      const [permission] = await account.permissions(nameOf(target?.Arn));
      expect(permission.Principal).toEqual({ Service: 'events.amazonaws.com' });
    });

    it('the deployment notifies somebody of every alarm', async () => {
      const topics = idsOf('AWS::SNS::Topic');
      for (const { AlarmActions } of await account.alarms()) expect(topics).toEqual(AlarmActions);
    });

    it('the deployment generates the root of the secrets that sign webhooks', async () => {
      const arn = /WebhookSecretArn = (\S+)/.exec(said)?.[1] ?? '';
      expect(await account.secretValue(arn)).toMatch(/^[A-Za-z0-9]{44}$/);
    });

    it('the deployment accepts client keys', async () => {
      const keys = (...args: string[]) => endpoint.run(process.execPath, 'tools/commands/keys.ts', ...args);
      const [key = '', secret = ''] = (await keys('create', '--name', 'my-app')).split('\n');
      expect([key, secret]).toEqual([expect.stringMatching(/^msj_/), expect.stringMatching(/^whsec_/)]);
      expect(await keys('list')).toContain('my-app');
      expect((await keys('secret', '--name', 'my-app')).split('\n')[0]).toBe(secret);
    });

    it('the deployment does not differ from its template', { timeout: PATIENCE_MILLIS }, async () => {
      const differences = await endpoint.cdk('diff', '--app', endpoint.assembly, '--method=template');
      expect(differences).toContain('There were no differences');
    });

    describe.runIf(hasSecond)('another stack in the same account', () => {
      const OTHER = 'prod';
      let before: Record<string, unknown[]>;
      let other: Deployed;
      let refusal: Error;
      let left: Record<string, unknown[]>;

      beforeAll(async () => {
        before = await everything();
        const assembly = assemble({ stackName: OTHER }, join(endpoint.assembly, '..', OTHER));
        const deploy = () => endpoint.cdk('deploy', OTHER, '--app', assembly, '--require-approval', 'never');
        endpoint.refuseAlarms(true);
        refusal = await deploy().then(
          () => new Error('It was deployed'),
          (error) => error,
        );
        left = await everything();
        endpoint.refuseAlarms(false);
        await deploy();
        other = await deployedAs(OTHER, assembly);
      }, PATIENCE_MILLIS);

      it('leaves nothing behind when its first deployment fails', () => {
        expect(refusal.message).toContain('ROLLBACK_COMPLETE');
        expect(left).toEqual(before);
      });

      it('is deployed after a failed first deployment', async () => {
        expect((await account.stack(OTHER))?.StackStatus).toBe('CREATE_COMPLETE');
        for (const type of TYPES) {
          expect(await present(type, other)).toEqual(idsOf(type, undefined, other));
        }
      });

      it('shares nothing with the first one, and has changed nothing in it', async () => {
        const shared = Object.values(other.ids).filter((id) => Object.values(ids).includes(id));
        // A stage's name is of its API, a policy's of its role; moto gives a permission none.
        expect(shared.filter((id) => !/^$|^\$default$|DefaultPolicy/.test(id))).toEqual([]);
        expect(await account.template(STACK)).toEqual(template);
        for (const type of TYPES) expect(await present(type)).toEqual(idsOf(type));
      });

      it('has keys of its own', async () => {
        const keys = (...args: string[]) => endpoint.run(process.execPath, 'tools/commands/keys.ts', ...args);
        await keys('create', '--name', 'another-app', '--stack', OTHER);
        expect(await keys('list', '--stack', OTHER)).toContain('another-app');
        expect(await keys('list')).not.toContain('another-app');
      });
    });

    describe('a stack that is destroyed', () => {
      beforeAll(() => endpoint.cdk('destroy', '--app', endpoint.assembly, '--force'), PATIENCE_MILLIS);

      it('is gone', async () => {
        expect((await account.stack(stackId))?.StackStatus).toBe('DELETE_COMPLETE');
        expect(endpoint.faults()).toBe('');
      });

      it.each(TYPES)('leaves only what must be kept: %s', async (type) => {
        expect(await present(type)).toEqual(idsOf(type, KEPT));
      });

      it.runIf(hasSecond)('leaves the other stack intact', async () => {
        const other = await deployedAs('prod', join(endpoint.assembly, '..', 'prod'));
        for (const type of TYPES) {
          expect(await present(type, other)).toEqual(idsOf(type, undefined, other));
        }
      });

      it('leaves the stored data', () => {
        const kept = TYPES.filter((type) => idsOf(type, KEPT).length > 0);
        expect(kept).toEqual(['AWS::DynamoDB::Table', 'AWS::S3::Bucket', 'AWS::SecretsManager::Secret']);
      });
    });
  },
);
