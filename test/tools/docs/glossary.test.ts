import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pageAt, root } from './pages.ts';

const rows = pageAt('docs/glossary.md').prose.match(/^\| .* \| .* \|$/gm) ?? [];
const terms = rows.slice(1).map((row) => {
  const [, word = '', , place = ''] = row.split(' | ').join('|').split('|');
  const [, name = '', file = ''] = /^`([^`]+)` in `([^`]+)` ?$/.exec(place) ?? [];
  return { word: word.trim(), name, file };
});

it('the glossary has at least a dozen terms, and none of them twice', () => {
  expect(terms.length).toBeGreaterThanOrEqual(12);
  expect(new Set(terms.map(({ word }) => word)).size).toBe(terms.length);
});

describe('a term of the glossary stands in the code where the page says', () => {
  it.each(terms)('$word', ({ name, file }) => {
    expect(existsSync(join(root, file))).toBe(true);
    expect(readFileSync(join(root, file), 'utf8')).toMatch(new RegExp(`\\b${name}\\b`));
  });
});
