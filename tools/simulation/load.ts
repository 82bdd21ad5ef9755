import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type { Mutant } from './mutants.ts';
import type { simulate } from './simulate.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const functions = join(root, 'functions/');

/**
 * The simulator over functions with a bug planted into them.
 * @throws when the text that the bug replaces is not there exactly once, so that no mutant rots
 */
export async function simulatorWith(mutant: Mutant): Promise<typeof simulate> {
  const planted = join(functions, mutant.file);
  const source = await readFile(planted, 'utf8');
  const places = source.split(mutant.find).length - 1;
  if (places !== 1)
    throw new Error(`The text of the mutant "${mutant.name}" stands ${places} times in ${mutant.file}`);
  // Inside the project, for what the bundle imports is found from there.
  const folder = await mkdtemp(join(root, 'dist', 'mutant-'));
  try {
    const outfile = join(folder, 'simulate.mjs');
    await build({
      entryPoints: [join(root, 'tools/simulation/simulate.ts')],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      logLevel: 'silent',
      plugins: [
        {
          name: 'mutant',
          setup(esbuild) {
            const contents = source.replace(mutant.find, () => mutant.replace);
            esbuild.onLoad({ filter: /\.ts$/ }, ({ path }) =>
              path === planted ? { contents, loader: 'ts' } : null,
            );
          },
        },
      ],
    });
    return (await import(pathToFileURL(outfile).href)).simulate;
  } finally {
    await rm(folder, { recursive: true });
  }
}
