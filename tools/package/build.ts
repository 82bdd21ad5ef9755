import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile, type Plugin } from 'esbuild';
import { bundleInto } from '../../lib/stages/bundle.ts';
import { licensesOf } from './licenses.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const outdir = join(root, 'dist', 'package');

/** What is read as a file at run time, and stays where it is. */
const READ = [
  ...['functions/jobs/openapi.json', 'tools/local/console/page', 'tools/package/app'],
  // For apps in Python, to be copied.
  'clients/python/modelstudio_jobs.py',
  ...['curl', 'go', 'javascript', 'python', 'typescript'].map((language) => `examples/${language}`),
];

/** A module still finds what is beside it: its URL is that of its place in the tree, wherever its code ends up. */
const urlsOfTheTree: Plugin = {
  name: 'urls-of-the-tree',
  setup({ onLoad }) {
    onLoad({ filter: /\/(tools|lib|functions)\/.*\.ts$/ }, ({ path }) => {
      const place = relative(root, path).replace(/\.ts$/, '.js');
      const url = `new URL(${JSON.stringify(`../${place}`)}, import.meta.url).href`;
      const contents = readFileSync(path, 'utf8').replaceAll('import.meta.url', url);
      return { contents, loader: 'ts' };
    });
  },
};

/** All in one folder, beside those that mirror the sources, and with the SDK in it, so that an app which installs the package for its client installs nothing else. */
async function buildCommands(): Promise<Metafile> {
  const entryPoints = [
    { in: 'tools/package/main.ts', out: 'commands/main' },
    { in: 'tools/local/stack/runtime/worker.ts', out: 'tools/local/stack/runtime/worker' },
  ];
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints,
    outdir,
    chunkNames: 'commands/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    mainFields: ['module', 'main'],
    external: ['aws-cdk-lib', 'constructs', 'zod', 'dynalite', 'fauxqs', 'esbuild'],
    banner: {
      js: "import{createRequire as requireOf}from'node:module';const require=requireOf(import.meta.url);",
    },
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
    plugins: [urlsOfTheTree],
  });
  return metafile;
}

rmSync(outdir, { recursive: true, force: true });
const tsc = join(root, 'node_modules', '.bin', 'tsc');
execFileSync(tsc, ['--project', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
const metafiles = [...bundleInto(join(outdir, 'bundles')), await buildCommands()];
for (const path of READ) cpSync(join(root, path), join(outdir, path), { recursive: true });
writeFileSync(join(outdir, 'THIRD-PARTY-LICENSES.txt'), licensesOf(metafiles, root));
