import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { LambdaFunction } from '../../../tools/local/stack/lambda.ts';
import {
  type LocalStack,
  type LocalStackOptions,
  startLocalStack,
} from '../../../tools/local/stack/stack.ts';
import type { Template } from '../../../tools/local/stack/template.ts';

type After = (step: () => void) => void;

/** Resolves as soon as the assertion holds. */
export function eventually(assertion: () => unknown): Promise<unknown> {
  return vi.waitFor(assertion, { timeout: 20_000, interval: 20 });
}

/** Files in a directory that is gone after the test, or whenever else its step is taken. */
export function writeFiles(files: Record<string, string>, after: After = onTestFinished): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'local-stack-'));
  after(() => rmSync(directory, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    writeFileSync(path.join(directory, name), content);
  }
  return directory;
}

/** A function whose bundle is this source, CommonJS unless its file says otherwise. */
export function createFunction(
  source: string,
  settings: {
    file?: string;
    timeoutSeconds?: number;
    maxConcurrency?: number;
    environment?: Record<string, string>;
  } = {},
): { target: LambdaFunction; lines: string[] } {
  const lines: string[] = [];
  const target = new LambdaFunction({
    name: 'fixture',
    timeoutSeconds: settings.timeoutSeconds ?? 10,
    memoryMegabytes: 128,
    maxConcurrency: settings.maxConcurrency ?? 10,
    environment: {
      _HANDLER: 'index.handler',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
      AWS_LAMBDA_FUNCTION_NAME: 'fixture',
      AWS_REGION: 'us-east-1',
      LAMBDA_TASK_ROOT: writeFiles({
        [settings.file ?? 'index.js']: source,
        'package.json': '{"type":"module"}',
      }),
      ...settings.environment,
    },
    onLog: (line) => lines.push(line),
  });
  onTestFinished(() => target.close());
  return { target, lines };
}

/** A synthesized stack; a function finds its bundle by `Code: {S3Key: '<name>.zip'}`. */
export function writeStack(
  template: Template,
  bundles: Record<string, string> = {},
  after: After = onTestFinished,
): string {
  const names = Object.keys(bundles);
  const files = names.map((name) => [
    name,
    { source: { path: `asset.${name}` }, destinations: { current: { objectKey: `${name}.zip` } } },
  ]);
  const paths = Object.keys(template.Resources).map((logicalId) => [
    `/Fixture/Path/To/${logicalId}/Resource`,
    [{ type: 'aws:cdk:logicalId', data: logicalId }],
  ]);
  const directory = writeFiles(
    {
      'package.json': '{"type":"module"}',
      'Fixture.template.json': JSON.stringify(template),
      'Fixture.assets.json': JSON.stringify({ files: Object.fromEntries(files) }),
      'Fixture.metadata.json': JSON.stringify(Object.fromEntries(paths)),
      ...Object.fromEntries(names.map((name) => [`asset.${name}/index.js`, bundles[name] ?? ''])),
    },
    after,
  );
  return path.join(directory, 'Fixture.template.json');
}

export async function startStack(
  template: Template,
  bundles: Record<string, string> = {},
  options: Omit<LocalStackOptions, 'templateFile'> = {},
): Promise<LocalStack> {
  const stack = await startLocalStack({ templateFile: writeStack(template, bundles), ...options });
  onTestFinished(() => stack.close());
  return stack;
}
