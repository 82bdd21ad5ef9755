import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Where `npm run test:more` installs them, once. */
export const RUNTIMES_FOLDER = fileURLToPath(
  new URL('../../../node_modules/.cache/runtimes', import.meta.url),
);

/** Packages that bring a runtime as a program. */
export const RUNTIME_PACKAGES = [
  'node-20@npm:node@20',
  'node-22@npm:node@22',
  'node-24@npm:node@24',
  'deno@2',
  'bun@1',
];

interface Runtime {
  name: string;
  program: string;
  args: string[];
}

const installed = (name: string, program: string, ...args: string[]): Runtime => {
  return { name, program: join(RUNTIMES_FOLDER, 'node_modules', program), args };
};

export const RUNTIMES: readonly Runtime[] = [
  ...['node-20', 'node-22', 'node-24'].map((name) => installed(name, `${name}/bin/node`)),
  installed('deno', '.bin/deno', 'run', '--allow-net'),
  installed('bun', '.bin/bun', 'run'),
];

const here = fileURLToPath(new URL('.', import.meta.url));

/** A module of this folder as one file of JavaScript, as it is once it is built. */
export async function bundled(contents: string, outfile: string): Promise<string> {
  const stdin = { contents, resolveDir: here, loader: 'ts' as const };
  await build({ stdin, outfile, bundle: true, format: 'esm', target: 'es2022', logLevel: 'silent' });
  return outfile;
}
