import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type { simulateParts } from './parts/simulate.ts';
import type { simulateQueue } from './queueing/simulate.ts';
import type { simulate } from './simulate.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A bug to be planted: the exact text that it replaces, once. */
export interface Mutant {
  name: string;
  /** From the project's root. */
  file: string;
  find: string;
  replace: string;
  /** One that caught it when this was written: the others are tried if it no longer does. */
  seed?: number;
}

/** The simulator over functions with a bug planted into them; a mutant's file is in functions/. */
export async function simulatorWith({ file, ...mutant }: Mutant): Promise<typeof simulate> {
  const planted = { ...mutant, file: `functions/${file}` };
  return (await loadPlanted(planted, 'tools/simulation/simulate.ts'))['simulate'];
}

/** The same of the queue's simulation. */
export async function queueSimulatorWith({ file, ...mutant }: Mutant): Promise<typeof simulateQueue> {
  const planted = { ...mutant, file: `functions/${file}` };
  return (await loadPlanted(planted, 'tools/simulation/queueing/simulate.ts'))['simulateQueue'];
}

/** The same of the simulation of large jobs. */
export async function partsSimulatorWith({ file, ...mutant }: Mutant): Promise<typeof simulateParts> {
  const planted = { ...mutant, file: `functions/${file}` };
  return (await loadPlanted(planted, 'tools/simulation/parts/simulate.ts'))['simulateParts'];
}

/**
 * What a module exports, with a bug planted into one of the files that it is made of.
 * @throws when the text that the bug replaces is not there exactly once, so that no mutant rots
 */
// biome-ignore lint/suspicious/noExplicitAny: it is whatever the module exports
export async function loadPlanted(mutant: Mutant, module: string): Promise<any> {
  const planted = join(root, mutant.file);
  const source = await readFile(planted, 'utf8');
  const places = source.split(mutant.find).length - 1;
  if (places !== 1)
    throw new Error(`The text of the mutant "${mutant.name}" stands ${places} times in ${mutant.file}`);
  // Inside the project, for what the bundle imports is found from there.
  const folder = await mkdtemp(join(root, 'dist', 'mutant-'));
  try {
    const outfile = join(folder, 'planted.mjs');
    await build({
      entryPoints: [join(root, module)],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      alias: {
        '@aws-sdk/util-dynamodb': fileURLToPath(new URL('../../test/cloud/items.ts', import.meta.url)),
      },
      logLevel: 'silent',
      plugins: [
        {
          name: 'mutant',
          setup(esbuild) {
            const contents = source.replace(mutant.find, () => mutant.replace);
            // No more than files of this name: each is asked about, in another process.
            const filter = new RegExp(`${basename(planted, '.ts')}\\.ts$`);
            esbuild.onLoad({ filter }, ({ path }) => (path === planted ? { contents, loader: 'ts' } : null));
          },
        },
      ],
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    await rm(folder, { recursive: true });
  }
}
