import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { run } from '../../run.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const { app } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8'));
const [, start = ''] = app.split(' ');
/** As Node 20 is: it reads no TypeScript. */
const OLD = '--no-experimental-strip-types';
/** Ends the app at once, with a sentence of its own. */
const env = { CDK_CONTEXT_JSON: JSON.stringify({ organisationId: 'org_x' }) };
const SENTENCE = 'There is no setting organisationId; did you mean organizationId?\n';

it.each([
  ["this project's Node", []],
  ['an older one, as a global cdk may find', [OLD]],
])('the app runs on %s', async (_what, flags) => {
  const { code, stdout, stderr } = await run(process.execPath, [...flags, join(root, start)], env);
  expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: '', stderr: SENTENCE });
});

/** The app's start alone, in a project that may have a Node 24. */
function project(node24?: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'modelstudio-jobs-start-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  cpSync(join(root, start), join(folder, start));
  if (node24 !== undefined) {
    mkdirSync(join(folder, 'node_modules/node/bin'), { recursive: true });
    writeFileSync(join(folder, 'node_modules/node/bin/node'), `#!/bin/sh\n${node24}\n`, { mode: 0o755 });
  }
  return join(folder, start);
}

it('the app says in a sentence what is missing if there is no newer Node', async () => {
  const { code, stderr } = await run(process.execPath, [OLD, project()]);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: `Node ${process.versions.node} is too old: run \`npm ci\`, which brings Node 24, then \`npx cdk\`.\n`,
  });
});

it.each([
  ['is done', 'exit 0', 0],
  ['fails', 'exit 3', 3],
  ['is killed, such as for want of memory', 'kill -KILL $$', 1],
])(
  'the app that another Node runs counts as a success only if it is one: it %s',
  async (_what, node24, code) => {
    expect(await run(process.execPath, [OLD, project(node24)])).toMatchObject({ code });
  },
);

it('package.json names npm as its package manager, as others would bring no Node 24', () => {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect(packageManager).toMatch(/^npm@\d+\.\d+\.\d+$/);
});
