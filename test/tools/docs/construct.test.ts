import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { expect, it } from 'vitest';
// Has bundling mocked.
import '../../stack/synthesis.ts';
import { DETAIL } from '../../../lib/finishing.ts';
import { pageAt, root } from './pages.ts';

const page = pageAt('docs/construct.md');

it('the app in docs/construct.md synthesizes, tokens for ARNs included', async (context) => {
  const [{ text: app } = { text: '' }] = page.fences;
  mkdirSync(join(root, 'dist'), { recursive: true });
  const folder = mkdtempSync(join(root, 'dist', 'construct-page-'));
  context.onTestFinished(() => rmSync(folder, { recursive: true }));
  const here = app
    .replace("'modelstudio-jobs'", "'../../lib/index.ts'")
    .replace('new App()', `new App({ outdir: '${folder}/cdk.out' })`);
  writeFileSync(join(folder, 'app.ts'), `${here}\nexport { stack };\n`);
  const { stack } = (await import(join(folder, 'app.ts'))) as { stack: Stack };
  const text = JSON.stringify(Template.fromStack(stack).toJSON());
  for (const expected of [
    'AWS::Pipes::Pipe',
    'Custom::ModelStudioClientKey',
    'Shop_Jobs-sweeper-not-running',
  ])
    expect(text).toContain(expected);
  expect(text).not.toContain('${Token[');
});

it('the event in docs/construct.md has what is told of a job', () => {
  const [event] = page.fences.filter(({ language }) => language === 'json');
  const { detail } = JSON.parse(event?.text ?? '');
  expect(Object.keys(detail)).toEqual(['deployment', ...Object.keys(DETAIL)]);
});
