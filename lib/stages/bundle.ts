import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuildOptions, Metafile } from 'esbuild';
import { FUNCTIONS } from '../../functions/core/limits.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** In the published package, where the functions are bundled already; null in a clone. */
const prebuilt = import.meta.url.endsWith('.js') ? join(root, 'bundles') : null;

export type FunctionName = keyof typeof FUNCTIONS;
/** The folders of functions/ that have a handler. */
export const functionNames = Object.keys(FUNCTIONS) as FunctionName[];

/** They have another one, of a function that few deployments need: it keeps client keys. */
export const KEYS = 'keys';
type BundleName = FunctionName | typeof KEYS;

export const handlerOf = (name: BundleName): string => join('functions', name, 'handler.ts');

export const BUCKET = 'functions/edge/document-bucket.ts';
export const DESTINATIONS = 'functions/edge/queues-and-buses.ts';
export const PARTS = 'functions/parts/advance.ts';
const OPENAPI = 'functions/jobs/openapi.json';

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
  // The SDK's chain of credential providers is a quarter of a bundle; on Lambda the first one is enough. Streams of events,
  // which no call here has, and what the bundler wraps for their sake, are a tenth.
  // Clients that few need are loaded on demand from files of their own: the bucket's would take a quarter of every start.
  alias: {
    '@aws-sdk/credential-provider-node': './functions/edge/credentials.ts',
    '@smithy/core/event-streams': './functions/edge/event-streams.ts',
    '#bucket': './bucket.cjs',
    '#destinations': './destinations.cjs',
    '#parts': './parts.cjs',
  },
  external: ['./bucket.cjs', './destinations.cjs', './parts.cjs', './openapi.json'],
  legalComments: 'none',
  logLevel: 'warning',
} as const satisfies BuildOptions;

/**
 * Bundles what any function needs into one folder: `submit.js` and so on, `bucket.cjs`, `destinations.cjs`, `parts.cjs`
 * and `openapi.json`. Needs neither Docker nor the network.
 * @returns what went into them
 */
export function bundleInto(outdir: string): Metafile[] {
  // A synthesis out of the published package loads no bundler.
  const { buildSync } = createRequire(import.meta.url)('esbuild') as typeof import('esbuild');
  const shared = { ...bundling, outdir, metafile: true } as const;
  const handlers = [...functionNames, KEYS as BundleName].map((name) => ({ in: handlerOf(name), out: name }));
  const onDemand = { bucket: BUCKET, destinations: DESTINATIONS, parts: PARTS };
  const built = [
    buildSync({ ...shared, entryPoints: handlers }),
    // The name of a file that is imported at run time says that it is CommonJS.
    buildSync({ ...shared, entryPoints: onDemand, outExtension: { '.js': '.cjs' } }),
  ];
  copyFileSync(join(root, OPENAPI), join(outdir, 'openapi.json'));
  return built.map(({ metafile }) => metafile);
}

export type Bundles = ReturnType<typeof bundleFunctions>;

/**
 * Each function in a folder of its own, with an `index.js` and a `bucket.cjs`; collect's has a `parts.cjs`, deliver's a
 * `destinations.cjs`, if it needs it, and that of jobs an `openapi.json`.
 */
export function bundleFunctions(hasDestinations = false, names: readonly BundleName[] = functionNames) {
  const outdir = mkdtempSync(join(tmpdir(), 'modelstudio-jobs-'));
  const all = prebuilt ?? join(outdir, 'all');
  if (!prebuilt) bundleInto(all);
  const others: Partial<Record<BundleName, string[]>> = {
    collect: ['parts.cjs'],
    deliver: hasDestinations ? ['destinations.cjs'] : [],
    jobs: ['openapi.json'],
  };
  for (const name of names) {
    mkdirSync(join(outdir, name));
    copyFileSync(join(all, `${name}.js`), join(outdir, name, 'index.js'));
    const files = name === KEYS ? [] : ['bucket.cjs', ...(others[name] ?? [])];
    for (const file of files) copyFileSync(join(all, file), join(outdir, name, file));
  }
  return {
    folderOf: (name: BundleName) => join(outdir, name),
    /** CDK has copied a bundle as soon as its function is defined. */
    remove: () => rmSync(outdir, { recursive: true, force: true }),
  };
}
