import { createRequire } from 'node:module';
import { join } from 'node:path';
import { buildSync, type Metafile } from 'esbuild';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  bundleFunctions,
  bundling,
  type FunctionName,
  functionNames,
  handlerOf,
} from '../../lib/stages/bundle.ts';

interface Bundle {
  kib: number;
  /** In KiB, by package or file of this repository. */
  parts: Map<string, number>;
  /** Of packages, or of this repository. */
  files: string[];
  /** Those that the start evaluates. */
  atStart: string[];
}

const bundles = Object.fromEntries(functionNames.map((name) => [name, bundleOf(name)])) as Record<
  FunctionName,
  Bundle
>;

function bundleOf(name: FunctionName): Bundle {
  const { metafile } = buildSync({
    ...bundling,
    entryPoints: [handlerOf(name)],
    write: false,
    outdir: '.',
    metafile: true,
  });
  const [output] = Object.values(metafile.outputs);
  const inputs = Object.entries(output?.inputs ?? {}).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  const parts = new Map<string, number>();
  for (const [path, { bytesInOutput }] of inputs) {
    const part = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? path;
    parts.set(part, (parts.get(part) ?? 0) + bytesInOutput / 1024);
  }
  const files = inputs.map(([path]) => pathIn(path));
  return { kib: (output?.bytes ?? 0) / 1024, parts, files, atStart: startOf(handlerOf(name), metafile) };
}

function pathIn(path: string): string {
  return path.replace(/.*node_modules\//, '');
}

function startOf(entry: string, { inputs }: Metafile): string[] {
  const paths = new Set([entry]);
  for (const path of paths)
    for (const { kind, path: imported } of inputs[path]?.imports ?? [])
      if (kind !== 'dynamic-import') paths.add(imported);
  return [...paths].map(pathIn);
}

function largestIn({ parts }: Bundle): string {
  const largest = [...parts].sort(([, a], [, b]) => b - a).slice(0, 5);
  return largest.map(([part, kib]) => `${part} ${kib.toFixed(1)}`).join(', ');
}

const BUDGETS: Record<FunctionName, number> = {
  // 11 KiB of them let a job wait: the queue in the jobs' table, its pace, and the request in the bucket; and 12 begin large jobs and
  // look after places.
  submit: 496,
  // As much as submit but for the HTTP API.
  create: 426,
  // 2 KiB of them give places back, and 4 erase the parts of large jobs and number results.
  poll: 419,
  collect: 422,
  deliver: 380,
  sweep: 353,
  // It deletes jobs, redelivers many at once, and knows uploads: 17 KiB of them. 10 KiB put off what only
  // some calls evaluate.
  jobs: 427,
};

it.each(functionNames)('the bundle of %s is within its budget of bytes', (name) => {
  const bundle = bundles[name];
  const sentence = `The bundle of ${name} has ${bundle.kib.toFixed(1)} KiB, more than its ${BUDGETS[name]}; the largest in it: ${largestIn(bundle)}`;
  expect(bundle.kib, sentence).toBeLessThanOrEqual(BUDGETS[name]);
});

it.each(functionNames.filter((name) => name !== 'submit'))('the start of %s evaluates no zod', (name) => {
  const { atStart } = bundles[name];
  expect(atStart).toContain('functions/core/job.ts');
  expect(atStart.filter((file) => file.startsWith('zod/'))).toEqual([]);
});

const TOOLS =
  /^(aws-cdk-lib|constructs|esbuild|vitest|typescript|aws-xray-sdk[^/]*|@aws-lambda-powertools)\//;

const ABSENT: [what: string, files: RegExp, names: readonly FunctionName[]][] = [
  ['a tool', TOOLS, functionNames],
  ['a file beside functions/', /^(bin|lib|tools|test)\//, functionNames],
  // Should the SDK import its providers by another name, the alias in lib/stages/bundle.ts would do nothing.
  [
    'a credential provider',
    /^@aws-sdk\/(credential-provider-|token-providers|nested-clients)/,
    functionNames,
  ],
  ["the SDK's streams of events", /^@smithy\/core\/.*\/event-streams\//, functionNames],
  ['more of zod than zod/mini', /^zod\/v4\/classic\//, functionNames],
  ['a client of Secrets Manager', /^@aws-sdk\/client-secrets-manager\//, ['sweep', 'jobs']],
  [
    'what asks ModelStudio',
    /^functions\/(edge\/modelstudio\.ts|core\/upstream\/upstream\.ts)$/,
    ['deliver', 'sweep', 'jobs'],
  ],
  ['the client of S3', /^@aws-sdk\/client-s3\//, functionNames],
  ['the OpenAPI document', /openapi\.json$/, functionNames],
];

describe.each(ABSENT)('%s', (what, files, names) => {
  it.each(names)('is not in the bundle of %s', (name) => {
    const found = bundles[name].files.filter((file) => files.test(file));
    expect(found, `The bundle of ${name} has ${what} in it`).toEqual([]);
  });
});

it('the client of S3 is made without the credential providers and streams of events that its file lacks', async () => {
  for (const name of ['AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, 'none');
  const { folderOf, remove } = bundleFunctions(false, ['submit']);
  onTestFinished(remove);
  const { createBucket } = createRequire(import.meta.url)(join(folderOf('submit'), 'bucket.cjs'));
  expect(await createBucket('documents').link('results/job_1', 60)).toMatch(
    /^https:.*results\/job_1\?.*&X-Amz-Signature=/,
  );
});
