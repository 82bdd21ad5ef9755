import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { anchorsIn, linksIn, type Page, pageAt, pages, pathsIn, root } from './pages.ts';

/** Why a link leads nowhere; null when it does not. */
function faultIn(link: string, from: Page): string | null {
  const [file = '', anchor] = link.split('#');
  const path = file === '' ? from.path : join(dirname(from.path), file);
  if (path.startsWith('..')) return `${link} leads out of the repository`;
  if (!existsSync(join(root, path))) return `${link}: there is no ${path}`;
  if (anchor === undefined) return null;
  return anchorsIn(pageAt(path)).includes(anchor) ? null : `${link}: ${path} has no heading for #${anchor}`;
}

const all = pages();
/** Decisions and runbooks are meant to be read in full; these to be read first. */
const LINES_MAX: Record<string, number> = { 'README.md': 249, 'ARCHITECTURE.md': 220 };

it('there are pages, links and paths to check', () => {
  expect(all.length).toBeGreaterThan(15);
  expect(all.flatMap(linksIn).length).toBeGreaterThan(50);
  expect(all.flatMap(pathsIn).length).toBeGreaterThan(50);
});

describe.each(all)('$path', (page) => {
  it('has links that lead somewhere', () => {
    expect(linksIn(page).flatMap((link) => faultIn(link, page) ?? [])).toEqual([]);
  });

  it('names files and folders that exist', () => {
    expect(pathsIn(page).filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it('has at most one title, and closes its code blocks', () => {
    expect((page.prose.match(/^# .+$/gm) ?? []).length).toBeLessThanOrEqual(1);
    expect(page.prose).not.toContain('```');
  });

  it('is not longer than a reader has time for', () => {
    expect(page.text.split('\n').length).toBeLessThanOrEqual(
      LINES_MAX[page.path] ?? Number.POSITIVE_INFINITY,
    );
  });
});

it('docs/README.md has a line for every page in docs', () => {
  const index = pageAt('docs/README.md');
  const listed = linksIn(index).map((link) => join('docs', link));
  const missing = all
    .map(({ path }) => path)
    .filter((path) => path.startsWith('docs/') && path !== index.path);
  expect(missing.filter((path) => !listed.includes(path))).toEqual([]);
});
