import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWith, PATIENCE_MILLIS } from '../../needs.ts';
import { run } from '../../run.ts';
import { pageAt, root } from '../docs/pages.ts';
import { type Endpoint, startEndpoint } from './endpoint.ts';

const TESTS_MILLIS = 15 * 60_000;

/** As the README says: folders, and those in them that are kept. */
const sentence = /^\| what you may delete \|(.*):/m.exec(pageAt('README.md').text)?.[1] ?? '';
const [deleted = [], kept = []] = sentence
  .split(' except ')
  .map((part) => [...part.matchAll(/`([\w/]+)\/`/g)].map(([, path = '']) => path));

it('the README names only folders that exist as deletable', () => {
  expect(deleted.length).toBeGreaterThan(1);
  expect(kept.length).toBeGreaterThan(0);
  for (const path of [...deleted, ...kept]) expect(existsSync(join(root, path)), path).toBe(true);
});

const isIn = (folders: string[], path: string) => folders.some((each) => `${path}/`.startsWith(`${each}/`));
const leadsTo = (folders: string[], path: string) => folders.some((each) => each.startsWith(`${path}/`));

/** What commands make, and what git keeps. */
const MADE = ['node_modules', 'dist', 'cdk.out', 'coverage', '.git'];

/** A copy of the repository, without what may be deleted. */
function copyWithout(): string {
  const folder = mkdtempSync(join(tmpdir(), 'modelstudio-jobs-left-'));
  const isLeft = (path: string) =>
    isIn(kept, path) || leadsTo(kept, path) || !isIn([...deleted, ...MADE], path);
  cpSync(root, folder, { recursive: true, filter: (source) => isLeft(relative(root, source)) });
  // No link to them: a bundle has their paths in it, and longer ones would make it larger.
  const packages = { recursive: true, verbatimSymlinks: true };
  cpSync(join(root, 'node_modules'), join(folder, 'node_modules'), packages);
  return folder;
}

/** Its tests take minutes, so it runs where it is asked for: WITHOUT_TOOLS=yes npx vitest run FILE */
const isWanted = process.env['WITHOUT_TOOLS'] === 'yes';
const moto: [string, ...string[]] = isWanted ? ['python3', '-c', 'import boto3, moto.server'] : ['false'];

describe.skipIf(!isWanted)('what is left', async () => {
  let folder: string;
  beforeAll(() => {
    folder = copyWithout();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const npm = async (...args: string[]) => {
    const { code, stdout, stderr } = await run('npm', args, {}, '', folder);
    return { code, said: code === 0 ? '' : stdout + stderr };
  };
  const well = { code: 0, said: '' };

  it('has no file of the deleted folders', () => {
    const there = deleted.filter((path) => !leadsTo(kept, path) && existsSync(join(folder, path)));
    expect(there).toEqual([]);
    for (const path of kept) expect(existsSync(join(folder, path)), path).toBe(true);
  });

  it('passes the type check and the linter', { timeout: PATIENCE_MILLIS }, async () => {
    expect(await npm('run', 'check')).toEqual(well);
  });

  it('synthesizes', { timeout: PATIENCE_MILLIS }, async () => {
    expect(await npm('run', 'synth')).toEqual(well);
  });

  await describeWith('python3 with moto[server]', moto, 'at an endpoint like those of AWS', () => {
    let endpoint: Endpoint;
    beforeAll(async () => {
      endpoint = await startEndpoint(folder);
    }, PATIENCE_MILLIS);
    afterAll(() => endpoint?.close());

    it('deploys', { timeout: PATIENCE_MILLIS }, async () => {
      await endpoint.cdk('bootstrap', 'aws://123456789012/us-east-1', '--app', '');
      const settings = ['-c', 'organizationId=org_test', '--output', endpoint.assembly];
      const said = await endpoint.cdk('deploy', ...settings, '--require-approval', 'never');
      expect(said).toContain('ModelStudioJobs.ApiUrl = ');
      expect(endpoint.faults()).toBe('');
    });

    it("has the operator's commands", async () => {
      expect(
        await endpoint.run('npm', 'run', '--silent', 'keys', '--', 'create', '--name', 'my-app'),
      ).toMatch(/^msj_/);
    });
  });

  it('passes its tests', { timeout: TESTS_MILLIS }, async () => {
    expect(await npm('test')).toEqual(well);
  });
});
