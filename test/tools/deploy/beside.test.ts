import { join } from 'node:path';
import { App, Stack, Stage } from 'aws-cdk-lib';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWith, PATIENCE_MILLIS } from '../../needs.ts';
import { addJobs, assemble } from '../../stack/synthesis.ts';
import { type Account, accountAt } from './account.ts';
import { type Endpoint, startEndpoint } from './endpoint.ts';

/** Several deployments of several stacks: BESIDE=yes npx vitest run FILE */
const isAsked = process.env['BESIDE'] === 'yes';

let endpoint: Endpoint;
let account: Account;

function addPlainFunction(stack: Stack): LambdaFunction {
  const code = Code.fromInline('exports.handler = async () => {}');
  return new LambdaFunction(stack, 'Plain', { code, handler: 'index.handler', runtime: Runtime.NODEJS_24_X });
}

function assembleShop(outdir: string): string {
  const app = new App({ outdir });
  const shop = new Stack(app, 'Shop');
  const orders = addJobs(shop, 'Orders');
  orders.grantSubmit(addPlainFunction(shop));
  const targets = [new SqsQueue(new Queue(shop, 'Unsafe'))];
  addJobs(shop, 'Mails').onFinished('Told', { targets });
  const staged = new Stack(new Stage(app, 'Prod'), 'Shop');
  addJobs(staged, 'Orders').grantSubmit(addPlainFunction(staged), 'prod-orders');
  return app.synth().directory;
}

const keys = (...args: string[]) => endpoint.run(process.execPath, 'tools/commands/keys.ts', ...args);

/** What somebody could have touched: what there is, by the names that the stack has given. */
async function holdingsOf(stackName: string): Promise<object> {
  const [stack, template, ids] = await Promise.all([
    account.stack(stackName),
    account.template(stackName),
    account.physicalIds(stackName),
  ]);
  const there = new Set([
    ...(await account.tables()),
    ...(await account.functions()).map(({ FunctionName }) => FunctionName),
    ...(await account.alarms()).map(({ AlarmName }) => AlarmName),
    ...(await account.secrets()).map(({ ARN }) => ARN),
    ...(await account.buckets()).map(({ Name }) => Name),
    ...(await account.rules()).map(({ Name }) => Name),
  ]);
  const own = Object.entries(ids).filter(([, id]) => there.has(id));
  return { status: stack?.StackStatus, outputs: stack?.Outputs, template, own: Object.fromEntries(own) };
}

await describeWith(
  'python3 with moto[server]',
  ['python3', '-c', 'import boto3, moto.server'],
  'beside each other on an endpoint like those of AWS',
  () => {
    beforeAll(async () => {
      if (!isAsked) return;
      endpoint = await startEndpoint();
      account = accountAt(endpoint.url);
      await endpoint.cdk('bootstrap', 'aws://123456789012/us-east-1', '--app', '');
    }, PATIENCE_MILLIS);
    afterAll(() => endpoint?.close());

    describe.runIf(isAsked)('two deployments in a stack, and one in a stage,', () => {
      beforeAll(async () => {
        const assembly = assembleShop(join(endpoint.assembly, '..', 'shop'));
        for (const stack of ['Shop', 'Prod/*'])
          await endpoint.cdk('deploy', stack, '--app', assembly, '--require-approval', 'never');
      }, 2 * PATIENCE_MILLIS);

      it('are deployed', async () => {
        expect(endpoint.faults()).toBe('');
        for (const stack of ['Shop', 'Prod-Shop'])
          expect((await account.stack(stack))?.StackStatus).toBe('CREATE_COMPLETE');
      });

      it('have client keys of their own, that of a function that may submit among them', async () => {
        await keys('create', '--name', 'by-hand', '--stack', 'Shop', '--construct', 'Mails');
        const clients = async (...args: string[]) =>
          (await keys('list', ...args))
            .trimEnd()
            .split('\n')
            .map((line) => line.split('\t')[1]);
        expect(await clients('--stack', 'Shop', '--construct', 'Mails')).toEqual(['by-hand']);
        expect(await clients('--stack', 'Shop', '--construct', 'Orders')).toEqual(['Shop/Plain']);
        expect(await clients('--stack', 'Prod-Shop')).toEqual(['prod-orders']);
      });

      it('must be told apart by name', async () => {
        await expect(keys('list', '--stack', 'Shop')).rejects.toThrow('by --construct: Orders, Mails.');
      });

      it(
        'have revoked the key and kept the data of one that is destroyed, and the others are untouched',
        async () => {
          const before = await holdingsOf('Shop');
          const table = (await account.stack('Prod-Shop'))?.Outputs?.find(({ OutputKey }) =>
            OutputKey?.includes('ClientKeysTable'),
          )?.OutputValue;
          await endpoint.cdk('destroy', 'Prod/*', '--app', join(endpoint.assembly, '..', 'shop'), '--force');
          expect(await holdingsOf('Shop')).toEqual(before);
          expect(await account.tables()).toContain(table);
          const [row] = await account.rows(table ?? '');
          expect(row).toMatchObject({ client: 'prod-orders', revokedAt: expect.any(Number) });
        },
        PATIENCE_MILLIS,
      );
    });

    describe.runIf(isAsked)('two environments of one cdk.json', () => {
      const environments = { staging: { removalPolicy: 'destroy' }, production: {} };
      const names = ['staging', 'production'].map((environment) => `ModelStudioJobs-${environment}`);
      const assemblies = new Map<string, string>();

      beforeAll(async () => {
        for (const environment of Object.keys(environments)) {
          const outdir = join(endpoint.assembly, '..', environment);
          const assembly = assemble({ environments, environment }, outdir);
          assemblies.set(`ModelStudioJobs-${environment}`, assembly);
          await endpoint.cdk('deploy', '--app', assembly, '--require-approval', 'never');
        }
      }, 2 * PATIENCE_MILLIS);

      it('are deployed as two stacks that share nothing', async () => {
        const ids = await Promise.all(names.map((name) => account.physicalIds(name)));
        const [staging, production] = ids.map((of) => Object.values(of));
        const shared = staging?.filter((id) => production?.includes(id)) ?? [];
        // A stage's name is of its API, a policy's of its role; moto gives a permission none.
        expect(shared.filter((id) => !/^$|^\$default$|DefaultPolicy/.test(id))).toEqual([]);
      });

      it('are removed one after the other, and nothing of the other is touched', {
        timeout: 2 * PATIENCE_MILLIS,
      }, async () => {
        const [staging = '', production = ''] = names;
        const before = await holdingsOf(production);
        await endpoint.cdk('destroy', '--app', assemblies.get(staging) ?? '', '--force');
        expect(await holdingsOf(production)).toEqual(before);
        await endpoint.cdk('destroy', '--app', assemblies.get(production) ?? '', '--force');
        expect(endpoint.faults()).toBe('');
      });
    });
  },
);
