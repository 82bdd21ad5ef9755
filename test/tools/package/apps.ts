import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const ES_MODULE = `
import { App, Stack } from 'aws-cdk-lib';
import { Code, Function, Runtime } from 'aws-cdk-lib/aws-lambda';
import { ModelStudioJobs } from 'modelstudio-jobs';
import { ModelStudioJobsClient, verifyWebhook } from 'modelstudio-jobs/client';
`;
const COMMON_JS = `
const { App, Stack } = require('aws-cdk-lib');
const { Code, Function, Runtime } = require('aws-cdk-lib/aws-lambda');
const { ModelStudioJobs } = require('modelstudio-jobs');
const { ModelStudioJobsClient, verifyWebhook } = require('modelstudio-jobs/client');
`;
const USE = `
const app = new App({ outdir: 'own.out' });
const stack = new Stack(app, 'Own');
const jobs = new ModelStudioJobs(stack, 'Jobs', {
  organizationId: 'org_test',
  defaultWebhookUrl: 'https://hooks.example.com/in',
  destinations: [{ name: 'orders', arn: 'arn:aws:sqs:eu-central-1:123456789012:orders', clients: [] }],
});
const runtime = Runtime.NODEJS_24_X;
jobs.grantSubmit(new Function(stack, 'Shop', { runtime, handler: 'index.handler', code: Code.fromInline('//') }));
app.synth();
console.log(typeof jobs.apiUrl, typeof ModelStudioJobsClient, typeof verifyWebhook);
`;
const MISUSE = `
// @ts-expect-error: it is a string
const url: number = jobs.apiUrl;
// @ts-expect-error: there is no such setting
new ModelStudioJobs(app, 'Misspelled', { organisationId: url });
`;

/** Apps that use the construct and the client, by the name of their file. */
export const APPS = {
  'own.mjs': ES_MODULE + USE,
  'own.cjs': COMMON_JS + USE,
  'own.mts': ES_MODULE + USE + MISUSE,
  'own.cts': ES_MODULE + USE + MISUSE,
};

const compilerOf = (file: string) =>
  join(dirname(createRequire(file).resolve('typescript/package.json')), 'bin', 'tsc');
const NEW = compilerOf(import.meta.url);
const OLD = compilerOf(import.meta.resolve('@arethetypeswrong/core'));

/** By whom those in TypeScript are checked. `require` of a module is something that only the newer compiler knows. */
export const CHECKS: readonly [file: keyof typeof APPS, compiler: string, kind: string][] = [
  ['own.mts', NEW, 'nodenext'],
  ['own.mts', NEW, 'esnext --moduleResolution bundler'],
  ['own.mts', OLD, 'nodenext'],
  ['own.mts', OLD, 'esnext --moduleResolution bundler'],
  ['own.cts', NEW, 'nodenext'],
  ['own.cts', NEW, 'node20'],
];
