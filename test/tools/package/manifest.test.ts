import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { pages, root } from '../docs/pages.ts';

const { exports, main, types, typesVersions, bin, peerDependencies, peerDependenciesMeta } = packageJson;
const devDependencies: Record<string, string> = packageJson.devDependencies;

const sourceOf = (built: string) =>
  built.replace(/^(\.\/)?dist\/package\//, '').replace(/(\.d)?\.[jt]s$/, '.ts');

it('what the package exports is built from files that exist', () => {
  const { './package.json': _, ...entries } = exports;
  for (const entry of Object.values(entries)) {
    expect(existsSync(join(root, sourceOf(entry.default))), entry.default).toBe(true);
    expect(entry.types).toBe(entry.default.replace(/\.js$/, '.d.ts'));
  }
  expect(sourceOf(bin['modelstudio-jobs'])).toBe('commands/main.ts');
});

it('resolvers that do not know exports find the same', () => {
  expect({ main, types }).toEqual({ main: exports['.'].default, types: exports['.'].types });
  expect(typesVersions['*'].client).toEqual([exports['./client'].types]);
});

it('peers are installed here, and by nobody who needs the client alone', () => {
  for (const [name, range] of Object.entries(peerDependencies)) {
    const version = (devDependencies[name] ?? '').replace(/^[~^]/, '');
    expect(range, name).toBe(`^${version}`);
    expect(peerDependenciesMeta).toHaveProperty([name], { optional: true });
  }
  expect(Object.keys(packageJson.dependencies)).toEqual(['zod']);
});

it('nothing of it runs when it is installed', () => {
  const names = Object.keys(packageJson.scripts).filter((name) => /install|^prepare$/.test(name));
  expect(names).toEqual([]);
});

it('the version is that of the API and of the changelog', () => {
  const { info } = JSON.parse(readFileSync(join(root, 'functions/jobs/openapi.json'), 'utf8'));
  expect(info.version).toBe(packageJson.version);
  const [, newest] = /^## \[?(\d+\.\d+\.\d+)/m.exec(readFileSync(join(root, 'CHANGELOG.md'), 'utf8')) ?? [];
  expect(newest).toBe(packageJson.version);
});

it('no page has npx fetch the package, whose name may be taken by somebody else', () => {
  const fetching = pages().filter(({ text }) =>
    /\bnpx (?!--no-install )(--?\S+ )*modelstudio-jobs\b/.test(text),
  );
  expect(fetching.map(({ path }) => path)).toEqual([]);
});
