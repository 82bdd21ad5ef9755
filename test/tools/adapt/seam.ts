import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';

export const root = fileURLToPath(new URL('../../..', import.meta.url));

/** All of functions/ that knows what provider it is. docs/adapt.md explains each. */
export const SEAM = [
  'core/http/generation-request.ts',
  'core/upstream/read-answer.ts',
  'edge/modelstudio.ts',
  'edge/world-modelstudio.ts',
] as const;

/** How ModelStudio spells what it says, for its own `core/upstream/read-answer.ts`; another provider has no use for them. */
export const DIALECT = [
  'core/upstream/dialect/member-names.ts',
  'core/upstream/dialect/sentences.ts',
  'core/upstream/dialect/state-words.ts',
  'core/upstream/dialect/status-codes.ts',
  'core/upstream/results.ts',
] as const;

/** What jobs of several conversations need. It stays, unused, with a provider whose jobs are one task each. */
export const LARGE = [
  'core/parts/conversation.ts',
  'core/parts/merging.ts',
  'core/parts/parts.ts',
  'core/parts/row.ts',
  'core/parts/scanner.ts',
  'parts/advance.ts',
  'parts/begin.ts',
  'parts/merge.ts',
  'parts/results.ts',
  'parts/split.ts',
] as const;

const functions = join(root, 'functions');

/** What stands in for a file of the seam at the other provider. */
export const replacement = (file: string) => join(root, 'test/tools/adapt/predictions', file);

/** Bundles the other provider's files in place of those of the seam. */
export function swapSeam(): Plugin {
  const files: readonly string[] = SEAM;
  return {
    name: 'swap-seam',
    setup(build) {
      build.onResolve({ filter: /^\.{1,2}\/.*\.ts$/ }, ({ path, importer }) => {
        const file = relative(functions, join(dirname(importer), path));
        return files.includes(file) ? { path: replacement(file) } : null;
      });
    },
  };
}
