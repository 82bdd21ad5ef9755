import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type { Plant } from './mutants.ts';
import type { simulate } from './simulate.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const functions = join(root, 'functions/');

/**
 * The simulator over functions with a bug planted into them.
 * @throws when the text that the bug replaces is not there exactly once, so that no plant rots
 */
export async function simulatorWith(plant: Plant): Promise<typeof simulate> {
  const planted = join(functions, plant.file);
  const source = await readFile(planted, 'utf8');
  const places = source.split(plant.find).length - 1;
  if (places !== 1)
    throw new Error(`The text of the mutant "${plant.name}" stands ${places} times in ${plant.file}`);
  // Inside the project, for what the bundle imports is found from there.
  const folder = await mkdtemp(join(root, 'dist', 'plant-'));
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
          name: 'plant',
          setup(esbuild) {
            const contents = source.replace(plant.find, () => plant.replace);
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
