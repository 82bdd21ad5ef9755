import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PATIENCE_MILLIS } from '../../needs.ts';
import { run } from '../../run.ts';
import { root } from '../docs/pages.ts';
import { APPS, CHECKS } from './apps.ts';

/** It packs, and installs out of the registry, so it runs where it is asked for: PACKED=yes npx vitest run FILE */
const isWanted = process.env['PACKED'] === 'yes';
const timeout = PATIENCE_MILLIS;
const TARBALL_MAX_BYTES = 3_000_000;
const FIRST_WEBHOOK_MAX_SECONDS = 120;
const SYNTHESIS_MAX_SECONDS = 10;

/** As on a machine of somebody else's: its own Node, and nothing of the npm that runs this test. */
const elsewhere = {
  ...Object.fromEntries(
    Object.keys(process.env).flatMap((name) => (/^npm_/i.test(name) ? [[name, undefined]] : [])),
  ),
  PATH: (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((path) => !path.includes('node_modules'))
    .join(delimiter),
  NODE_ENV: undefined,
} as unknown as Record<string, string>;

describe.skipIf(!isWanted)('the packed tarball', () => {
  let folder: string;
  let app: string;
  let tarball: string;
  let files: string[];
  /** What has been used of the processors, by each command. */
  const seconds = new Map<string, number>();

  /** @returns what it says, without what the shell says about times */
  async function said(command: string, cwd: string): Promise<string> {
    const { code, stdout, stderr } = await run(
      'sh',
      ['-c', `${command}\ncode=$?; times >&2; exit $code`],
      elsewhere,
      '',
      cwd,
    );
    expect(code, `${command}: ${stdout}${stderr}`).toBe(0);
    const [user = '', system = ''] = stderr.trim().split('\n').at(-1)?.split(' ') ?? [];
    seconds.set(command, secondsIn(user) + secondsIn(system));
    return stdout;
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'modelstudio-jobs-packed-'));
    app = join(folder, 'my-jobs');
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], {}, '', root);
    const [packed] = Object.values(JSON.parse(stdout.slice(stdout.search(/^[[{]/m)))) as [
      { filename: string; files: { path: string }[] },
    ];
    tarball = join(folder, packed.filename);
    files = packed.files.map(({ path }) => path);
  }, PATIENCE_MILLIS);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('has what is used, and neither sources nor tests', () => {
    const tops = /^(dist\/package\/(bin|bundles|clients|commands|examples|functions|lib|tools)\/|[^/]+$)/;
    expect(files.filter((path) => !tops.test(path) && !path.endsWith('LICENSES.txt'))).toEqual([]);
    expect(
      files.filter((path) => /(^|\/)(test|simulation|bench)\/|\.test\.|simulat|mutant/.test(path)),
    ).toEqual([]);
    const sources = files.filter((path) => /(?<!\.d)\.[cm]?ts$/.test(path) && !path.includes('/examples/'));
    expect(sources).toEqual([]);
    // What package.json calls by such a name is a source.
    const code = files
      .filter((path) => /\.c?js$/.test(path))
      .map((path) => readFileSync(join(root, path), 'utf8'));
    expect(code.filter((text) => /(from|import|require)\W+#/.test(text))).toEqual([]);
    expect(readFileSync(tarball).byteLength).toBeLessThan(TARBALL_MAX_BYTES);
  });

  it('exports what Node and TypeScript find', { timeout }, async () => {
    const data = readFileSync(tarball);
    const { messages } = await publint({ pack: { tarball: data.buffer as ArrayBuffer }, strict: true });
    expect(messages).toEqual([]);
    const analysis = await checkPackage(createPackageFromTarballData(data));
    const problems = 'problems' in analysis ? analysis.problems.map(({ kind }) => kind) : ['no types'];
    // Node has loaded modules by `require` since 20.19; TypeScript's `node16` is older than that.
    expect(problems.filter((kind) => kind !== 'CJSResolvesToESM')).toEqual([]);
  });

  describe('in an empty folder', () => {
    const INSTALL = 'npm install ./modelstudio-jobs-*.tgz';
    const INIT = 'npx --no-install modelstudio-jobs init my-jobs';
    const INSTALL_APP = 'npm install';
    const START = 'npm start -- --once';
    const SYNTH = 'npm run synth';

    beforeAll(async () => {
      await said(INSTALL, folder);
      await said(INIT, folder);
      await said(INSTALL_APP, app);
    }, PATIENCE_MILLIS);

    it('is installed with one dependency', () => {
      const { packages } = JSON.parse(readFileSync(join(folder, 'node_modules/.package-lock.json'), 'utf8'));
      expect(Object.keys(packages).sort()).toEqual(['node_modules/modelstudio-jobs', 'node_modules/zod']);
    });

    it('delivers a verified webhook within two minutes', { timeout }, async () => {
      expect(await said(START, app)).toContain('webhook job.completed, signature verified');
      const spent = [INSTALL, INIT, INSTALL_APP, START].map((command) => seconds.get(command) ?? 0);
      expect(spent.reduce((sum, each) => sum + each)).toBeLessThan(FIRST_WEBHOOK_MAX_SECONDS);
    });

    it('synthesizes within ten seconds, the same resources as a clone, and without esbuild', {
      timeout,
    }, async () => {
      await said(SYNTH, app);
      expect(seconds.get(SYNTH)).toBeLessThan(SYNTHESIS_MAX_SECONDS);
      for (const place of [folder, app]) expect(existsSync(join(place, 'node_modules/esbuild'))).toBe(false);
      const out = join(folder, 'clone.out');
      const cdk = await run('npx', ['cdk', 'synth', '--quiet', '--output', out], {}, '', root);
      expect(cdk.code, cdk.stderr).toBe(0);
      expect(essenceOf(join(app, 'cdk.out'))).toEqual(essenceOf(out));
    });

    it.each([
      'keys',
      'doctor',
      'smoke',
      'submit',
      'snippet',
      'queue',
      'redeliver',
      'redrive',
      'usage',
      'sandbox',
    ])('has %s', { timeout }, async (command) => {
      expect(await said(`npm run --silent ${command} -- --help`, app)).toMatch(
        new RegExp(`npm run (--silent )?${command}`),
      );
    });

    it.each(['own.mjs', 'own.cjs'] as const)('is used by %s', { timeout }, async (file) => {
      writeFileSync(join(app, file), APPS[file]);
      expect(await said(`node ${file}`, app)).toContain('string function');
    });

    it.each(CHECKS)('has types for %s, by %s --module %s', { timeout }, async (file, compiler, kind) => {
      writeFileSync(join(app, file), APPS[file]);
      const types = `--types node --typeRoots "${join(root, 'node_modules/@types')}"`;
      const options = `--noEmit --strict --target es2022 ${types} --module ${kind}`;
      await said(`"${process.execPath}" "${compiler}" ${options} ${file}`, app);
    });
  });
});

const secondsIn = (text: string) => {
  const [, minutes = 0, seconds = 0] = /^(\d+)m([\d.]+)s$/.exec(text) ?? [];
  return Number(minutes) * 60 + Number(seconds);
};

/** The resources, and the code of those that have some. */
function essenceOf(out: string): [string, string | undefined][] {
  const { Resources } = JSON.parse(readFileSync(join(out, 'ModelStudioJobs.template.json'), 'utf8'));
  return Object.entries<{ Properties?: { Code?: { S3Key?: string } } }>(Resources)
    .filter(([id]) => id !== 'CDKMetadata')
    .map(([id, { Properties }]) => [id, Properties?.Code?.S3Key]);
}
