import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The folders of functions/ that have a handler. */
export const functionNames = ['submit', 'poll', 'collect', 'deliver', 'sweep', 'jobs'] as const;
export type FunctionName = (typeof functionNames)[number];

/**
 * Bundles every function, in a folder each with an `index.js`. Needs neither Docker nor the network.
 * @returns where a function's bundle lies until this process ends; CDK has its own copy by then
 */
export function bundleFunctions(): (name: FunctionName) => string {
  const outdir = mkdtempSync(join(tmpdir(), 'modelstudio-jobs-'));
  process.on('exit', () => rmSync(outdir, { recursive: true, force: true }));
  buildSync({
    entryPoints: functionNames.map((name) => ({
      in: join(root, 'functions', name, 'handler.ts'),
      out: join(name, 'index'),
    })),
    outdir,
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node24',
    // CommonJS from ES modules starts fastest on Lambda: the SDK's module entry points shake to what is used.
    format: 'cjs',
    mainFields: ['module', 'main'],
    minify: true,
    keepNames: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
  return (name) => join(outdir, name);
}
