import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { redactedInput } from '../../functions/core/redact.ts';

const HELP = `Writes an app that deploys modelstudio-jobs: no clone, and next to no code.

  modelstudio-jobs init NAME

  NAME  of the app and of its folder, such as my-jobs; what is there already is not touched
`;

const TEMPLATE = new URL('app/', import.meta.url);
/** npm leaves a .gitignore out of a package. */
const FILES = {
  'bin/app.js': 'bin/app.js',
  'cdk.json': 'cdk.json',
  'README.md': 'README.md',
  '.github/workflows/ci.yml': '.github/workflows/ci.yml',
  '.gitignore': 'gitignore',
};
export const SCRIPTS = [
  ...['start', 'sandbox', 'keys', 'doctor', 'smoke', 'submit', 'snippet'],
  ...['queue', 'redeliver', 'redrive', 'usage'],
];

/** Of this package as it was published. */
interface Manifest {
  name: string;
  version: string;
  devDependencies: Record<string, string>;
  allowScripts: Record<string, boolean>;
}

export class InitError extends Error {}

/** The folder with the package.json that this file is part of. */
function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'LICENSE'))) folder = dirname(folder);
  return folder;
}

/** @throws an InitError with a sentence when npm would not take it as a name, or not install our dependencies beside it */
function checkName(name: string | undefined, taken: string[]): string {
  if (!name || name.startsWith('-'))
    throw new InitError('The app needs a name: modelstudio-jobs init my-jobs');
  if (!/^[a-z0-9][a-z0-9._-]{0,99}$/.test(name))
    throw new InitError(
      `${name} cannot be the app's name: use up to 100 lower-case letters, digits, hyphens, dots and underscores, with a letter or a digit first`,
    );
  if (['node_modules', ...taken].includes(name))
    throw new InitError(
      `${name} cannot be the app's name, as it is the name of a package that the app needs`,
    );
  return name;
}

/** A tarball that it was installed from, as it is before the first release; null: it came from the registry. */
function tarballOf(folder: string, { name }: Manifest): string | null {
  const modules = dirname(folder);
  const lock = join(modules, '.package-lock.json');
  if (basename(modules) !== 'node_modules')
    throw new InitError(
      'init belongs to the installed package: npm pack, then npm install the tarball in another folder',
    );
  // Any other version of that name might be somebody else's.
  if (!existsSync(lock))
    throw new InitError('Only npm says where the package came from: install it by npm, then call init');
  const { packages } = JSON.parse(readFileSync(lock, 'utf8'));
  const resolved: string = packages?.[`node_modules/${name}`]?.resolved ?? '';
  return resolved.startsWith('file:') ? resolve(dirname(modules), resolved.slice('file:'.length)) : null;
}

function manifestOf(name: string, dependency: string, ours: Manifest): object {
  const versions = (...names: string[]) =>
    Object.fromEntries(names.map((each) => [each, ours.devDependencies[each]]));
  return {
    name,
    private: true,
    type: 'module',
    scripts: {
      ...Object.fromEntries(SCRIPTS.map((script) => [script, `${ours.name} ${script}`])),
      synth: 'cdk synth --quiet',
    },
    dependencies: { ...versions('aws-cdk-lib', 'constructs'), [ours.name]: dependency },
    devDependencies: versions('aws-cdk', 'dynalite', 'fauxqs', 'node'),
    allowScripts: { 'classic-level': true, node: true },
  };
}

/** @throws an InitError when one of them is there already; then nothing is written */
function write(folder: string, files: Record<string, string | Buffer>): void {
  const there = Object.keys(files).filter((path) => existsSync(join(folder, path)));
  if (there.length > 0)
    throw new InitError(`${basename(folder)} has ${there.join(', ')} already; nothing was written`);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content, { flag: 'wx' });
  }
}

/**
 * Writes an app into a folder of its own.
 * @param own the folder of this package, in the node_modules that it is installed in
 * @returns what to do next
 * @throws an InitError, whose message has no full stop
 */
export function init(given: string | undefined, own: string): string {
  const ours: Manifest = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8'));
  const name = checkName(given, [ours.name, ...Object.keys(ours.devDependencies)]);
  const tarball = tarballOf(own, ours);
  if (tarball && !existsSync(tarball))
    throw new InitError(`The app would need ${tarball}, from which this was installed, and it is gone`);
  const dependency = tarball ? `file:${basename(tarball)}` : `^${ours.version}`;
  const texts = Object.entries(FILES).map(([path, file]) => {
    const text = readFileSync(new URL(file, TEMPLATE), 'utf8');
    return [path, text.replace('NAME', name)];
  });
  const manifest = `${JSON.stringify(manifestOf(name, dependency, ours), null, 2)}\n`;
  const folder = resolve(name);
  write(folder, {
    ...Object.fromEntries(texts),
    'package.json': manifest,
    // Along with the app, so that others can install it, too.
    ...(tarball && { [basename(tarball)]: readFileSync(tarball) }),
  });
  return `The app is in ${name}${sep}. Now:\n\n  cd ${name}\n  npm install\n  npm start -- --once\n`;
}

export function run([given, ...rest]: string[]): void {
  try {
    if (given === '--help' || given === '-h') process.stdout.write(HELP);
    else if (rest.length > 0) throw new InitError('init takes one name, and nothing else');
    else process.stdout.write(init(given, packageFolder()));
  } catch (error) {
    // Such as a folder that may not be written to, or a file that has the app's name.
    const isOfSystem = (error as NodeJS.ErrnoException).syscall !== undefined;
    if (!(error instanceof InitError) && !isOfSystem) throw error;
    process.stderr.write(`${redactedInput((error as Error).message)}.\n`);
    process.exitCode = 2;
  }
}
