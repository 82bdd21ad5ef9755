import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, buildSync } from 'esbuild';
import { FUNCTIONS } from '../../functions/core/limits.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export type FunctionName = keyof typeof FUNCTIONS;
/** The folders of functions/ that have a handler. */
export const functionNames = Object.keys(FUNCTIONS) as FunctionName[];

export const handlerOf = (name: FunctionName): string => join('functions', name, 'handler.ts');

export const BUCKET = 'functions/edge/document-bucket.ts';
export const DESTINATIONS = 'functions/edge/queues-and-buses.ts';
export const PARTS = 'functions/parts/advance.ts';

/** How a function is bundled; `npm run bench -- start` measures the gain. */
export const bundling = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node24',
  // CommonJS from ES modules starts fastest on Lambda: the SDK's module entry points are tree-shaken.
  format: 'cjs',
  mainFields: ['module', 'main'],
  // Names stay, so that a stack trace in the log is readable: `keepNames` would restore them one by one at startup.
  minifyWhitespace: true,
  minifySyntax: true,
  // The SDK's chain of credential providers is a quarter of a bundle; on Lambda the first one is enough.
  // Clients that few need are loaded on demand from files of their own: the bucket's would take a quarter of every start.
  alias: {
    '@aws-sdk/credential-provider-node': './functions/edge/credentials.ts',
    '#bucket': './bucket.cjs',
    '#destinations': './destinations.cjs',
    '#parts': './parts.cjs',
  },
  external: ['./bucket.cjs', './destinations.cjs', './parts.cjs', './openapi.json'],
  legalComments: 'none',
  logLevel: 'warning',
} as const satisfies BuildOptions;

export type Bundles = ReturnType<typeof bundleFunctions>;

/**
 * Bundles every function, in a folder each with an `index.js` and a `bucket.cjs`; collect's has a `parts.cjs`, deliver's a
 * `destinations.cjs`, if it needs it, and that of jobs an `openapi.json`. Needs neither Docker nor the network.
 */
export function bundleFunctions(hasDestinations = false) {
  const outdir = mkdtempSync(join(tmpdir(), 'modelstudio-jobs-'));
  buildSync({
    ...bundling,
    entryPoints: functionNames.map((name) => ({ in: handlerOf(name), out: join(name, 'index') })),
    outdir,
  });
  buildSync({
    ...bundling,
    entryPoints: [
      ...functionNames.map((name) => ({ in: BUCKET, out: join(name, 'bucket') })),
      { in: PARTS, out: join('collect', 'parts') },
      ...(hasDestinations ? [{ in: DESTINATIONS, out: join('deliver', 'destinations') }] : []),
    ],
    // The name of the file that is imported at run time says that it is CommonJS.
    outExtension: { '.js': '.cjs' },
    outdir,
  });
  copyFileSync(join(root, 'functions/jobs/openapi.json'), join(outdir, 'jobs/openapi.json'));
  return {
    folderOf: (name: FunctionName) => join(outdir, name),
    /** CDK has copied a bundle as soon as its function is defined. */
    remove: () => rmSync(outdir, { recursive: true, force: true }),
  };
}
