import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { InitError, init, SCRIPTS } from '../../../tools/package/init.ts';
import { run } from '../../run.ts';
import { root } from '../docs/pages.ts';

const TARBALL = 'modelstudio-jobs-0.1.0.tgz';

/** An empty folder in which the package is installed, and what it was installed from. */
function installed(resolved: string = `file:${TARBALL}`): { folder: string; own: string } {
  const folder = mkdtempSync(join(tmpdir(), 'modelstudio-jobs-init-'));
  const before = process.cwd();
  onTestFinished(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  });
  const own = join(folder, 'node_modules', 'modelstudio-jobs');
  mkdirSync(own, { recursive: true });
  cpSync(join(root, 'package.json'), join(own, 'package.json'));
  writeFileSync(join(folder, TARBALL), 'a tarball');
  const packages = { 'node_modules/modelstudio-jobs': { resolved } };
  writeFileSync(join(folder, 'node_modules', '.package-lock.json'), JSON.stringify({ packages }));
  process.chdir(folder);
  return { folder, own };
}

const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
const linesOf = (text: string) => text.split('\n').filter((line) => line.trim() !== '').length;

it('an app of less than sixty lines is written, and the tarball along with it', () => {
  const { folder, own } = installed();
  expect(init('my-jobs', own)).toContain('npm start -- --once');
  const app = join(folder, 'my-jobs');
  expect(filesIn(app)).toEqual([
    '.github/workflows/ci.yml',
    '.gitignore',
    'README.md',
    'bin/app.js',
    'cdk.json',
    TARBALL,
    'package.json',
  ]);
  const text = (path: string) => readFileSync(join(app, path), 'utf8');
  const code = ['bin/app.js', 'cdk.json', 'package.json', '.github/workflows/ci.yml'].map(text);
  expect(code.map(linesOf).reduce((sum, lines) => sum + lines)).toBeLessThan(60);
  expect(text('README.md')).toMatch(/^# my-jobs$/m);
  const manifest = JSON.parse(text('package.json'));
  expect(manifest.name).toBe('my-jobs');
  expect(manifest.dependencies['modelstudio-jobs']).toBe(`file:${TARBALL}`);
  expect(text(TARBALL)).toBe('a tarball');
});

it('an app of a published version names that version', () => {
  const { folder, own } = installed('https://registry.example/modelstudio-jobs.tgz');
  init('my-jobs', own);
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'my-jobs/package.json'), 'utf8'));
  expect(dependencies['modelstudio-jobs']).toBe(`^${packageJson.version}`);
  expect(filesIn(join(folder, 'my-jobs'))).not.toContain(TARBALL);
});

it.each(['cdk.json', 'package.json', '.github/workflows/ci.yml', TARBALL])(
  'nothing is written where there is a %s already',
  (path) => {
    const { folder, own } = installed();
    const file = join(folder, 'my-jobs', path);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, 'mine');
    expect(() => init('my-jobs', own)).toThrow(
      new InitError(`my-jobs has ${path} already; nothing was written`),
    );
    expect(filesIn(join(folder, 'my-jobs'))).toEqual([path]);
    expect(readFileSync(file, 'utf8')).toBe('mine');
  },
);

it.each([
  [undefined, 'The app needs a name: modelstudio-jobs init my-jobs'],
  ['--force', 'The app needs a name'],
  ['My Jobs', "My Jobs cannot be the app's name"],
  ['../elsewhere', 'lower-case letters'],
  ['.', 'lower-case letters'],
  ['@scope/jobs', 'lower-case letters'],
  ['modelstudio-jobs', 'the name of a package that the app needs'],
  ['node_modules', 'the name of a package that the app needs'],
  ['dynalite', 'the name of a package that the app needs'],
])('%s is no name for an app', (name, sentence) => {
  const { folder, own } = installed();
  expect(() => init(name, own)).toThrow(sentence);
  expect(readdirSync(folder).sort()).toEqual([TARBALL, 'node_modules']);
});

it('a tarball that is gone, a clone, and what another program than npm has installed are told', () => {
  const { own } = installed('file:../gone.tgz');
  expect(() => init('my-jobs', own)).toThrow(/gone\.tgz, from which this was installed, and it is gone$/);
  expect(() => init('my-jobs', root)).toThrow('npm pack, then npm install the tarball');
  rmSync(join(own, '../.package-lock.json'));
  expect(() => init('my-jobs', own)).toThrow('install it by npm');
});

it('each script of the app is a command, called as it is in a clone', async () => {
  const { stdout } = await run(process.execPath, [join(root, 'tools/package/main.ts'), '--help']);
  const commands = [...stdout.matchAll(/^ {2}(\w+) /gm)].map(([, name]) => name);
  expect(commands).toEqual(['init', ...SCRIPTS]);
  expect(SCRIPTS.filter((script) => !(script in packageJson.scripts))).toEqual([]);
});
