import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The folders of functions/ that have a handler. */
export const functionNames = ['submit', 'poll', 'collect', 'deliver', 'sweep', 'jobs'] as const;
export type FunctionName = (typeof functionNames)[number];

export interface Bundles {
  folderOf(name: FunctionName): string;
  /** CDK has its own copy of each bundle as soon as its function is defined. */
  remove(): void;
}

/** Bundles every function, in a folder each with an `index.js`. Needs neither Docker nor the network. */
export function bundleFunctions(): Bundles {
  const outdir = mkdtempSync(join(tmpdir(), 'modelstudio-jobs-'));
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
  return {
    folderOf: (name) => join(outdir, name),
    remove: () => rmSync(outdir, { recursive: true, force: true }),
  };
}
