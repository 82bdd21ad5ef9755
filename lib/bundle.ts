import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const outdir = join(root, 'dist', 'functions');

/** The folders of functions/ that have a handler. */
export const functionNames = ['submit', 'poll', 'collect', 'deliver', 'jobs'] as const;
export type FunctionName = (typeof functionNames)[number];

/** Bundles every function, one folder each with an `index.js`. Needs neither Docker nor the network. */
export function bundleFunctions(): void {
  buildSync({
    entryPoints: functionNames.map((name) => ({
      in: join(root, 'functions', name, 'handler.ts'),
      out: join(name, 'index'),
    })),
    outdir,
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
}

export function bundleFolder(name: FunctionName): string {
  return join(outdir, name);
}
